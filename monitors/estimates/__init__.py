"""What a reviewed sample says of all traffic, with intervals that hold at low prevalence too."""
