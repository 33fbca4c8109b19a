"""A stage: one process that renders live rooms, says what it is told to, and sends it to their viewers.

One event loop holds connections and control; one thread draws and encodes, room by room, tick by tick
(:mod:`pacemaker`); small pools of threads synthesise speech. A room is made of a :class:`~.show.Show` (what is drawn),
a :class:`~.director.Director` (what is said) and its viewers.
"""
