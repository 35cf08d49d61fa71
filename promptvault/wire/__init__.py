"""What goes over the wire, word for word the same for the client and the server."""
