"""What happens to every request, outside in: trace, cross-origin rules, bugs and time limit, body."""
