"""The page that customers see."""
