"""A package, so that the `tests` which some other distribution leaves in site-packages is never taken for this one."""
