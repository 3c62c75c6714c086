"""The documentation's settings: Sphinx, Furo, MyST; nothing is fetched from the network."""

from autogenesis_core import __version__  # cheap: the package imports nothing until a name of it is used

project = "Autogenesis"
author = "the Autogenesis authors"
copyright = "2026, the Autogenesis authors, MIT licence"
version = release = __version__

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "furo"
html_title = f"Autogenesis {release}"
html_static_path = ["_static"]
html_css_files = ["docs.css"]
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1f6f5c", "color-brand-content": "#1f6f5c"},
    "dark_css_variables": {"color-brand-primary": "#6fcdb4", "color-brand-content": "#6fcdb4"},
}
