"""Files of settings besides the configuration file: one that nobody reads, and `settings.json`."""

from __future__ import annotations

from pathlib import Path

import pytest

from axon.cli.catalogue import OPTIONS
from axon.cli.nodeconfig import NodeConfig, load_node_config
from axon.cli.options import parse_command_line
from axon.errors import ConfigError


def config(folder: Path, *arguments: str) -> NodeConfig:
    command_line = parse_command_line(["-regtest", f"-datadir={folder}", *arguments], OPTIONS)
    return load_node_config(command_line, folder)


def stored(folder: Path, text: str) -> None:
    (folder / "regtest").mkdir(exist_ok=True)
    (folder / "regtest" / "settings.json").write_text(text)


def test_a_file_that_is_not_read_is_refused_or_told(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "bitcoin.conf").write_text("")
    (tmp_path / "bitcoin.conf").write_text(f"datadir={other}\n")
    with pytest.raises(ConfigError) as caught:
        config(tmp_path, f"-conf={tmp_path / 'bitcoin.conf'}", f"-datadir={other}")
    told = str(caught.value)
    assert told.startswith(f'Data directory "{other}" contains a "bitcoin.conf" file which is')
    assert f'from command line argument "-conf={tmp_path / "bitcoin.conf"}" is being used' in told
    assert told.endswith("to treat this condition as a warning, not an error.")
    made = config(
        tmp_path, f"-conf={tmp_path / 'bitcoin.conf'}", f"-datadir={other}", "-allowignoredconf"
    )
    (warning,) = made.warnings
    assert told.startswith(warning)
    assert config(tmp_path, f"-datadir={other}").warnings == ()
    assert config(tmp_path, f"-datadir={other}", "-noconf").warnings == ()


def test_the_file_itself_may_name_another_folder(tmp_path: Path) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    (home / ".axon").mkdir(parents=True)
    (home / ".axon" / "bitcoin.conf").write_text(f"datadir={other}\n")
    other.mkdir()
    made = load_node_config(parse_command_line(["-regtest"], OPTIONS), home)
    assert made.node.folder == other / "regtest"
    (other / "bitcoin.conf").write_text("")
    with pytest.raises(ConfigError, match=f'from data directory "{home / ".axon"}" is being used'):
        load_node_config(parse_command_line(["-regtest"], OPTIONS), home)


def test_the_settings_file_counts_between_command_line_and_configuration(tmp_path: Path) -> None:
    (tmp_path / "bitcoin.conf").write_text("[regtest]\nport=1\nmaxconnections=1\n")
    stored(tmp_path, '{"port": "2", "maxconnections": 2, "listen": true, "addnode": ["a", "b"]}')
    made = config(tmp_path, "-port=3", "-connect=0")
    assert made.node.peers.port == 3
    assert made.node.peers.max_connections == 2
    assert made.node.peers.binds, "it says that the node listens, in spite of -connect"
    assert [str(each.host) for each in made.node.peers.addnode] == ["a", "b"]
    assert config(tmp_path, "-nosettings").node.peers.max_connections == 1
    assert config(tmp_path, "-settings=none.json").node.peers.max_connections == 1


def test_null_in_the_settings_file_sets_nothing_and_numbers_are_as_written(tmp_path: Path) -> None:
    stored(tmp_path, '{"server": null, "blocknotify": null, "minrelaytxfee": 0.00001}')
    made = config(tmp_path)
    assert made.node.rpc is not None
    assert made.node.notify.block == config(tmp_path, "-nosettings").node.notify.block
    assert made.node.policy.min_relay_feerate_sat_kvb == 1_000


def test_what_the_settings_file_says_is_in_the_log_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "bitcoin.conf").write_text("[regtest]\nlisten=0\n")
    text = '{"wallet": ["a", "b\\n"], "dbcache": 5.50, "server": null, "rpcpassword": "sesame", '
    stored(tmp_path, text + '"norpcauth": "sesame", "foo": {"x": 1}}')
    told = config(tmp_path, "-port=3").settings.told()
    assert told[0] == 'Config file arg: [regtest] listen="0"'
    assert told[1:-3] == [
        'Setting file arg: wallet = ["a","b\\n"]',
        "Setting file arg: dbcache = 5.50",
        "Setting file arg: server = null",
        "Setting file arg: rpcpassword = ****",
        "Setting file arg: norpcauth = ****",
        'Setting file arg: foo = {"x":1}',
    ]
    assert "sesame" not in " ".join(told)


def test_unknown_names_in_the_settings_file_are_told(tmp_path: Path) -> None:
    stored(tmp_path, '{"foo": 1}')
    assert config(tmp_path).warnings == ("Ignoring unknown rw_settings value foo",)


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("{", "does not contain valid JSON"),
        ("[]", r"Found non-object value \[\] in settings file"),
        ('{"port": 1, "port": 2}', "Found duplicate key port in settings file"),
        ("[" * 100_000, "does not contain valid JSON"),
    ],
)
def test_a_settings_file_of_another_form_ends_the_start(
    tmp_path: Path, text: str, about: str
) -> None:
    stored(tmp_path, text)
    with pytest.raises(ConfigError, match=f"Settings file could not be read:\n- .*{about}"):
        config(tmp_path)


def test_block_files_may_lie_elsewhere(tmp_path: Path) -> None:
    made = config(tmp_path, f"-blocksdir={tmp_path}")
    assert made.node.blocks_folder == tmp_path / "regtest" / "blocks"
    assert config(tmp_path).node.blocks_folder == tmp_path / "regtest" / "blocks"


def test_a_file_of_blocks_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"")
    missing = tmp_path / "missing"
    made = config(tmp_path, f"-loadblock={tmp_path / 'there'}", f"-loadblock={missing}")
    assert made.node.load_blocks == (tmp_path / "there", missing)
    assert made.notices == (f"Could not open blocks file {missing}",)


def test_ports_that_peers_do_not_dial_are_warned_of(tmp_path: Path) -> None:
    def ports(*arguments: str) -> list[str]:
        notices = config(tmp_path, *arguments).notices
        return [notice.partition(". This port is considered")[0] for notice in notices]

    assert ports("-port=22") == ["-port request to listen on port 22"]
    assert ports("-bind=127.0.0.1:25", "-port=22") == ["-bind request to listen on port 25"]
    assert ports("-bind=127.0.0.1:25=onion", "-port=22") == []
    assert ports("-port=22", "-listen=0") == []


def test_calls_may_come_from_an_address_in_brackets(tmp_path: Path) -> None:
    made = config(tmp_path, "-rpcallowip=[::1]", "-rpcallowip=10.0.0.0/8", "-rpcbind=127.0.0.1")
    assert made.node.rpc is not None
    assert list(map(str, made.node.rpc.server.allowed)) == ["::1/128", "10.0.0.0/8"]
    with pytest.raises(ConfigError, match="Invalid -rpcallowip subnet specification: fd00::/8"):
        config(tmp_path, "-rpcallowip=fd00::/8", "-rpcbind=::1", "-cjdnsreachable")


def test_seeds_of_signet(tmp_path: Path) -> None:
    arguments = ["-signet", f"-datadir={tmp_path}"]
    arguments += ["-signetseednode=a.b", "-signetseednode=c.d:5"]
    made = load_node_config(parse_command_line(arguments, OPTIONS), tmp_path)
    assert made.node.peers.dns_seeds == ("a.b",)
    assert [str(each) for each in made.node.peers.seednode] == ["c.d:5"]
    assert config(tmp_path, "-signetseednode=a.b").node.peers.dns_seeds is None
