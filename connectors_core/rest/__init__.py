"""The door for HTTP: routes, and the server that answers them."""
