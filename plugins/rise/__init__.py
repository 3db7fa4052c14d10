"""RISE: random masks of the input, the documented example of a plugin that adds an explainer."""
