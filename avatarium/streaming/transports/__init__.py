"""How sound and pictures of a room reach its viewers: WebRTC (WHEP), or one TCP connection for strict firewalls."""
