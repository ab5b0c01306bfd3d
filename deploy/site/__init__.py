"""The documentation as a site: `make site`. mkdocs reads `mkdocs.yml`; here is what it does not do by itself."""
