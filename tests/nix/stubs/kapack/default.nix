# The attributes of nur-kapack that nix/ names, with their versions at the pinned revision.
{ pkgs }:
let
  package = pname: version: pkgs.package "${pname}-${version}" // { inherit version; };
in
{
  batexpe = package "batexpe" "1.2.0";
  batsched-140 = package "batsched" "1.4.0";
  batsim-420 = package "batsim" "4.2.0";
  evalys = package "evalys" "4.0.7";
  procset = package "procset" "v1.0";
  pybatsim-core-400 = package "pybatsim-core" "4.0.0-alpha+5414b272";
  simgrid-334light = package "simgrid" "3.34";
}
