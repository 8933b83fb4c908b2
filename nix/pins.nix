# The sources that flake.lock pins, as arguments of fetchTarball. Flakes hash the unpacked tree, and so does fetchTarball.
let
  lock = builtins.fromJSON (builtins.readFile ./flake.lock);
  source = node:
    let inherit (lock.nodes.${node}.locked) owner repo rev narHash; in
    { url = "https://github.com/${owner}/${repo}/archive/${rev}.tar.gz"; sha256 = narHash; };
in
builtins.mapAttrs (input: source) lock.nodes.${lock.root}.inputs
