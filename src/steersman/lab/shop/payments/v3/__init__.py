"""A release that asks for a risk score and polls for it, one slow poll after the other, before each charge."""
