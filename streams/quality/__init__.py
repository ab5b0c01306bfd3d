"""How good the guards are on labelled texts: reports, and thresholds from them."""
