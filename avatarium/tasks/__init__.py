"""The durable task engine: what is accepted is done once and paid once, whatever is killed meanwhile.

A task is a row in ``tasks`` (:mod:`.models`). :class:`.service.Tasks` makes it in one transaction with the coins it
costs and a durable workflow (:mod:`.workflow`) that a worker (:mod:`.worker`) carries out, step by step, in a process
of its own (:mod:`.media_process`). What a task does is declared by its :class:`.family.Family`.
"""
