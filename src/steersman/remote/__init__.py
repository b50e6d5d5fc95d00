"""How a server is reached over HTTP: where it is, who asks, and how much of an answer is read. Toolsets stand on it."""
