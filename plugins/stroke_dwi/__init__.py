"""The stroke study: networks, synthetic diffusion-weighted patients, and how the one learns from the other."""
