"""The brightness of the image as a baseline for explainers."""
