"""The test kit of the lab: network namespaces, wires, captures, tunnels and traffic. No third-party packages."""
