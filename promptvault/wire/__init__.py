"""The models of requests and answers, shared by client and server."""
