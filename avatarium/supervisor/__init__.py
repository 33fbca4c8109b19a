"""One command that is the whole service: prepares an installation, starts its processes and keeps them alive.

The supervisor (:mod:`.service`) holds the listening socket and a pipe to each child. Whatever happens to it, the pipes
close and the children end (:mod:`.leash`), so that the next start finds everything free.
"""
