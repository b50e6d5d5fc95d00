"""A release with a tidier sum, which forgets quantities; its tests only ever buy one of each."""
