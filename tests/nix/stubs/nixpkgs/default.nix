# As much of nixpkgs as nix/ names: derivations that can be evaluated and never built. `contents` lists what a shell holds.
{ system, config, overlays }:
let
  package = name: derivation { inherit name system; builder = "never-built"; };
  contents = packages: builtins.concatMap (one: one.contents or [ one.name ]) packages;
in
rec {
  inherit package;
  lib.makeLibraryPath = packages: builtins.concatStringsSep ":" (map (one: "${one}/lib") packages);
  stdenv.cc.cc.lib = package "gcc-lib";
  zlib = package "zlib";
  git = package "git";
  gnugrep = package "gnugrep";
  gnumake = package "gnumake";
  python311 = package "python3-3.11";
  python3 = python311 // {
    withPackages = choose: package "python3-env" // { contents = [ python311.name ] ++ contents (choose { }); };
  };
  mkShell = { name, packages, shellHook ? "", LD_LIBRARY_PATH ? "" }:
    package name // { inherit shellHook LD_LIBRARY_PATH; contents = contents packages; };
  writeShellApplication = { name, runtimeInputs, text }:
    package name // { inherit text; contents = contents runtimeInputs; };
}
