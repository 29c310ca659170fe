from benchmarks.peer import Peer


def test_a_peer_whose_module_fails_says_why():
    figures = Peer("absent", "absent", installed=True).figures()

    assert "No module named benchmarks.peers.absent" in figures["unavailable"]


def test_a_peer_that_takes_too_long_is_given_up():
    figures = Peer("absent", "absent", installed=True, limit_s=0.001).figures()

    assert "within 0.001 s" in figures["unavailable"]
