"""The queue: a runner on the side of the server, a worker in a process of its own."""
