"""What runs Weir: migrations, policies, dashboards, images. Data, read as package resources."""
