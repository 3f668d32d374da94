"""Listens where sd_notify() sends: prints each datagram that comes to the socket named on the command line as a line of JSON."""
import json
import socket
import sys

name = sys.argv[1]
sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sock.bind("\0" + name[1:] if name.startswith("@") else name)
print(json.dumps("bound"), flush=True)
while True:
    print(json.dumps(sock.recv(65536).decode()), flush=True)
