"""Every configuration file of our own exchange, by name."""

from gateway.telephone.directory import Directory
from gateway.telephone.exchange import Exchange
from gateway.telephone.files import base, cel, features, hold, mailboxes, parking, rooms, tones
from gateway.telephone.files.dialplan import extensions_conf
from gateway.telephone.files.modules import modules_conf
from gateway.telephone.files.pjsip import pjsip_conf


def texts(exchange: Exchange, directory: Directory) -> dict[str, str]:
    """All files by name. Raises UnsafeTextError."""
    found = {
        "asterisk": base.asterisk_conf(exchange),
        "modules": modules_conf(),
        "logger": base.logger_conf(),
        "http": base.http_conf(exchange),
        "ari": base.ari_conf(exchange),
        "rtp": base.rtp_conf(exchange),
        "stasis": base.stasis_conf(),
        "indications": tones.indications_conf(),
        "features": features.features_conf(),
        "musiconhold": hold.musiconhold_conf(),
        "confbridge": rooms.confbridge_conf(),
        "cdr": base.off("enable"),
        "cel": cel.cel_conf(),
        "cel_custom": cel.cel_custom_conf(),
        "manager": base.off(),
        **dict.fromkeys(base.EMPTY, ""),
    }
    return {f"{name}.conf": said for name, said in found.items()} | living(exchange, directory)


def living(exchange: Exchange, directory: Directory) -> dict[str, str]:
    """Those that change with the directory, by name; Asterisk reads them anew when told to."""
    return {
        "voicemail.conf": mailboxes.voicemail_conf(directory),
        "res_parking.conf": parking.res_parking_conf(directory.parking),
        "pjsip.conf": pjsip_conf(exchange, directory),
        "extensions.conf": extensions_conf(exchange, directory),
    }
