# nix-shell nix/shell.nix              the shell `full`
# nix-shell nix/shell.nix -A simulation
let
  pins = import ./pins.nix;
in
{ system ? "x86_64-linux"
, nixpkgs ? fetchTarball pins.nixpkgs
, kapack ? fetchTarball pins.kapack
}:
let
  wattq = import ./shells.nix { inherit nixpkgs kapack system; };
in
wattq.full // { inherit (wattq) simulation full demo; }
