"""The machine: hosts, power states, SimGrid XML in and out, presets and the platform linter."""
