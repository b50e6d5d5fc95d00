"""The plan checker's rules, one file a kind. Each is a function from a `View` to problems."""
