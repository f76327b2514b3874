"""Which of Asterisk's 350 modules are loaded, and why. Nothing else runs or listens."""

from gateway.telephone import text

# By reason. Asterisk itself finds the order in which they start.
MODULES: dict[str, tuple[str, ...]] = {
    "SIP phones": (
        "chan_pjsip",
        "res_pjproject",
        "res_pjsip",
        "res_pjsip_session",
        "res_pjsip_sdp_rtp",
        "res_pjsip_registrar",
        "res_pjsip_authenticator_digest",
        "res_pjsip_endpoint_identifier_user",
        "res_pjsip_caller_id",
        "res_pjsip_dtmf_info",
        "res_pjsip_nat",
        "res_pjsip_rfc3326",  # why a call ended, both ways
        "res_pjsip_pubsub",  # chan_pjsip does not start without
        "res_sorcery_astdb",  # who is registered, over a restart
        "res_sorcery_config",
        "res_sorcery_memory",
    ),
    "headers that let a phone answer by itself": ("res_pjsip_header_funcs",),
    "transfers asked for by a phone": ("res_pjsip_refer",),
    "whether the keys of a voice came in clear": ("func_channel",),
    "voices": (
        "res_rtp_asterisk",
        "res_srtp",
        "codec_alaw",
        "codec_ulaw",
        "codec_a_mu",
        "codec_g722",
        "codec_resample",
        "format_pcm",
        "format_sln",
        "format_wav",
        "res_timing_timerfd",
    ),
    "calls joined": (
        "bridge_builtin_features",
        "bridge_holding",
        "bridge_native_rtp",
        "bridge_simple",
        "bridge_softmix",
    ),
    "conference rooms": ("app_confbridge", "func_channel"),
    "parked calls": ("res_parking",),
    "what is heard by who is kept waiting": ("res_musiconhold",),
    "messages, and the lamp that tells of them": (
        "app_voicemail",
        "res_pjsip_mwi",
        "res_pjsip_mwi_body_generator",
    ),
    "the dial plan": (
        "pbx_config",
        "app_dial",
        "app_directed_pickup",
        "app_playback",
        "app_stack",
        "func_devstate",
        "func_logic",
    ),
    "lines to the world": (
        "func_db",  # what was called today, over a restart
        "func_groupcount",
        "func_lock",
        "func_callerid",
        "func_dialplan",  # whether a caller from outside shows a number of ours
        "func_strings",
        "res_pjsip_endpoint_identifier_ip",
        "res_pjsip_outbound_authenticator_digest",
    ),
    "calls taken back from an application that has died": ("func_timeout",),
    "the application": (
        "app_stasis",
        "res_http_websocket",
        "res_websocket_client",  # res_ari does not start without
        "res_ari",
        "res_ari_model",
        "res_ari_applications",
        "res_ari_asterisk",
        "res_ari_bridges",
        "res_ari_channels",
        "res_ari_endpoints",
        "res_ari_events",
        "res_ari_playbacks",
        "res_ari_recordings",
        "res_stasis",
        "res_stasis_answer",
        "res_stasis_playback",
        "res_stasis_recording",
        "res_stasis_snoop",
    ),
    "a voice to the wards' boxes, and to many telephones at once": (
        "chan_rtp",
        "res_rtp_multicast",
    ),
    "who tries passwords, and is refused": ("res_security_log", "res_pjsip_acl"),
    "what was said": ("app_mixmonitor",),
    "who called whom": ("cel_custom", "res_cdrel_custom"),
}


# What a hospital's own Asterisk needs besides: it fetches words from us, for it has no folder of
# ours.
OWN_ASTERISK: dict[str, tuple[str, ...]] = {
    "words by HTTP": ("res_curl", "func_curl", "res_http_media_cache"),
}


def modules_conf() -> str:
    names = [f"{name}.so" for group in MODULES.values() for name in group]
    loaded = [("autoload", "no"), *(("load", name) for name in names)]
    return text.file(text.Section("modules", loaded))
