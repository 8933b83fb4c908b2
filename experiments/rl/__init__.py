"""Studies of what learned."""
