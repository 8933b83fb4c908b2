{
  description = "Batsim 4.2.0 on SimGrid 3.34 with robin, pybatsim and batsched, and what wattq needs beside them";

  # Both revisions are explained in docs/nix.md; shell.nix takes them from flake.lock.
  inputs = {
    nixpkgs = {
      url = "github:NixOS/nixpkgs/057f9aecfb71c4437d2b27d3323df7f93c010b7e";
      flake = false;
    };
    kapack = {
      url = "github:oar-team/nur-kapack/d04941d2a6b8d93a618cf7e32020dd2155c88ce7";
      flake = false;
    };
  };

  outputs = { self, nixpkgs, kapack }:
    let
      system = "x86_64-linux";
      wattq = import ./shells.nix { inherit nixpkgs kapack system; };
      demo = { type = "app"; program = "${wattq.demo}/bin/wattq-demo"; };
    in
    {
      devShells.${system} = { inherit (wattq) simulation full; default = wattq.full; };
      apps.${system} = { inherit demo; default = demo; };
    };
}
