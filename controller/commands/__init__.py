"""The commands of `penpilot` that this package brings; each module holds one."""
