# The shells `simulation` and `full` and the program `demo`, from a nixpkgs and a nur-kapack.
{ nixpkgs, kapack, system }:
let
  pkgs = import nixpkgs { inherit system; config = { }; overlays = [ ]; };
  nur = import kapack { inherit pkgs; };

  # Attributes of nur-kapack with the versions they must have there, so that a moved pin brings in no other ones unseen.
  programs = {
    batsim-420 = "4.2.0";
    # The build that batsim-420 is linked with; simgrid-334 would compile SimGrid a second time.
    simgrid-334light = "3.34";
    batsched-140 = "1.4.0";
    batexpe = "1.2.0";
  };
  libraries = {
    pybatsim-core-400 = "4.0.0-alpha+5414b272";
    evalys = "4.0.7";
    procset = "v1.0";
  };
  exactly = attribute: version:
    let found = nur.${attribute}.version; in
    if found == version then nur.${attribute}
    else throw "nix/flake.lock: nur-kapack's ${attribute} is ${found}, not ${version}: pin a revision that has ${version}";
  select = wanted: builtins.attrValues (builtins.mapAttrs exactly wanted);

  # `make setup` installs requirements/*.lock with this Python: NumPy 2, which wattq needs, is younger than nixpkgs 23.11.
  python = pkgs.python311;
  tools = [ python pkgs.gnumake pkgs.git ];
  # Wheels expect these of the machine.
  libraryPath = pkgs.lib.makeLibraryPath [ pkgs.stdenv.cc.cc.lib pkgs.zlib ];
  # A .venv of another Python would load libraries made for another C library.
  foreignVenv = ''[ -e .venv/pyvenv.cfg ] && ! grep -qF "home = ${python}/bin" .venv/pyvenv.cfg'';
  foreign = "wattq: .venv was made with another Python than this shell's: remove it (rm -r .venv), then 'make setup'";
in
{
  simulation = pkgs.mkShell {
    name = "wattq-simulation";
    packages = select programs ++ [ (pkgs.python3.withPackages (_: select libraries)) ];
  };

  full = pkgs.mkShell {
    name = "wattq-full";
    packages = select programs ++ tools;
    LD_LIBRARY_PATH = libraryPath;
    # PYTHONPATH, which the shell's Python sets, would come before .venv's own packages.
    shellHook = ''
      unset PYTHONPATH
      export PATH="$PWD/.venv/bin:$PATH"
      if ${foreignVenv}; then
        echo "${foreign}" >&2
      elif [ ! -e .venv/pyvenv.cfg ]; then
        echo "wattq: no .venv here yet: 'make setup' in the checkout makes it, with wattq, pybatsim, evalys and procset" >&2
      fi
    '';
  };

  demo = pkgs.writeShellApplication {
    name = "wattq-demo";
    runtimeInputs = tools ++ [ pkgs.gnugrep ];
    text = ''
      if [ ! -f Makefile ] || [ ! -d src/wattq ]; then
        echo "wattq-demo: no checkout of wattq in $PWD: start it in one" >&2
        exit 2
      fi
      if ${foreignVenv}; then
        echo "${foreign}" >&2
        exit 2
      fi
      unset PYTHONPATH
      export LD_LIBRARY_PATH="${libraryPath}"
      exec make demo PYTHON=python3.11
    '';
  };
}
