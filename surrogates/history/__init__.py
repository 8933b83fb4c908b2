"""The past as it is known at a date: one compiled account of users, groups and the machine, event by event.

The replay of a log and a running scheduler feed the same functions, so that a model meets in the loop the very
features that it was trained on.
"""
