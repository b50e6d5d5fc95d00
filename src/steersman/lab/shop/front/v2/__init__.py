"""A good release: the page names the cheapest price."""
