"""Playlists that FFmpeg would follow: each names something else to open. `PORT` stands for a port on 127.0.0.1."""

from __future__ import annotations

PORT = 9
_ADDRESS = f"http://127.0.0.1:{PORT}/".encode()

HLS = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n" + _ADDRESS + b"a.m3u8\n"
DASH = (
    b'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" '
    b'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" type="static" mediaPresentationDuration="PT10S" '
    b'minBufferTime="PT1S"><Period><AdaptationSet mimeType="audio/mp4" contentType="audio"><Representation id="1" '
    b'bandwidth="1000" codecs="mp4a.40.2"><BaseURL>' + _ADDRESS + b'</BaseURL><SegmentList duration="10">'
    b'<Initialization sourceURL="i.mp4"/><SegmentURL media="a.mp4"/></SegmentList></Representation></AdaptationSet>'
    b"</Period></MPD>\n"
)
SDP = (
    b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nt=0 0\n"
    + b"c=IN IP4 127.0.0.1\nm=audio "
    + str(PORT).encode()
    + b" RTP/AVP 0\n"
)

ALL = {
    "HLS": HLS,
    "DASH": DASH,
    "dash in small letters": DASH.replace(b"<MPD", b"<mpd"),
    "SDP": SDP,
    # libavformat's sdp_probe passes over one carriage return behind each line feed.
    "SDP behind a carriage return": SDP.replace(b"\nc=", b"\n\rc="),
    "ffconcat": b"ffconcat version 1.0\nfile '" + _ADDRESS + b"a.aac'\n",
    "IMF": b'<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016">',
}


def on_port(playlist: bytes, port: int) -> bytes:
    """The playlist with a port that somebody listens on."""
    return playlist.replace(f":{PORT}/".encode(), f":{port}/".encode())
