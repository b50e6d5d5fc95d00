"""Systems that configuration can name: one file each, with its settings and how it is opened."""
