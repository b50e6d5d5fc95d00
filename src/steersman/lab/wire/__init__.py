"""HTTP/1.1 of the lab's own processes: httptools on asyncio streams, because it costs a third of an ASGI stack."""
