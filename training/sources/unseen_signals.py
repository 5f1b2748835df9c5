"""The signal generators that only judge, with their labels.

They lie in `training.sources.unseen`, which shares no code with `training.sources.signals`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.sources.unseen import alarms, bells, hands, noises, sirens, whispers, whistles
from training.sources.unseen.parts import Array
from training.tags import (
    APPLIANCE_ALARM,
    BICYCLE_BELL,
    CAR_ALARM,
    DOORBELL,
    FIRE_ALARM,
    NOTHING,
    REVERSING_BEEP,
    Labels,
)

UnseenSignal = tuple[Callable[[np.random.Generator], Array], Labels, str]

_ROAD = Labels(("Siren", "Emergency_vehicle_siren"), ("Alarm",))
_EMERGENCY: tuple[UnseenSignal, ...] = (
    # yelp and wail are also two of a car alarm's patterns
    (sirens.american_patrol_siren, Labels(_ROAD.present, ("Alarm", "Car_alarm")), "Siren"),
    (sirens.european_horn_siren, _ROAD, "Siren"),
    (sirens.air_raid_siren, Labels(("Siren", "Civil_defense_siren"), ("Alarm",)), "Civil_defense_siren"),
    # an even beat of the horn is also what some car alarms do
    (sirens.klaxon_of_a_car, Labels(("Car_horn",), ("Car_alarm",)), "Car_horn"),
)

_PLAIN_BEEPS = Labels(("Alarm", "Appliance_alarm"), ("Fire_smoke_alarm",))
_SOUNDER = Labels(("Alarm",), ("Siren", "Emergency_vehicle_siren", "Fire_smoke_alarm", "Car_alarm"))
_ALARMS: tuple[UnseenSignal, ...] = (
    (alarms.kitchen_timer, _PLAIN_BEEPS, "Appliance_alarm"),
    (alarms.reversing_lorry, REVERSING_BEEP, "Reversing_beep"),
    (alarms.evacuation_sounder, _SOUNDER, "Alarm"),
    (alarms.temporal_detector, FIRE_ALARM, "Fire_smoke_alarm"),
    (alarms.panel_sounder, FIRE_ALARM, "Fire_smoke_alarm"),
    (alarms.pulsing_detector, FIRE_ALARM, "Fire_smoke_alarm"),
    (alarms.microwave_done, APPLIANCE_ALARM, "Appliance_alarm"),
    # a tune of beeps may or may not count as music
    (alarms.washer_melody, Labels(APPLIANCE_ALARM.present, ("Music", "Instrument", "Doorbell")), "Appliance_alarm"),
    (alarms.bedside_clock, _PLAIN_BEEPS, "Appliance_alarm"),
    (alarms.forklift_backer, REVERSING_BEEP, "Reversing_beep"),
    (alarms.hissing_backer, REVERSING_BEEP, "Reversing_beep"),
    (alarms.six_tone_alarm, CAR_ALARM, "Car_alarm"),
    (alarms.panicking_car, CAR_ALARM, "Car_alarm"),
)

_CROSSING = Labels(("Crossing_signal",), ("Bell", "Alarm", "Reversing_beep", "Bird_chirp"))
_BELLS: tuple[UnseenSignal, ...] = (
    (bells.fire_bell, Labels(("Alarm", "Bell"), ("Fire_smoke_alarm", "Doorbell")), "Alarm"),
    (bells.temple_bell, Labels(("Bell",)), "Bell"),
    (bells.bicycle_bell, BICYCLE_BELL, "Bicycle_bell"),
    (bells.brass_dinger, BICYCLE_BELL, "Bicycle_bell"),
    (bells.ratchet_bell, BICYCLE_BELL, "Bicycle_bell"),
    (bells.two_tube_chime, DOORBELL, "Doorbell"),
    (bells.wireless_chime, DOORBELL, "Doorbell"),
    (bells.struck_crossing, _CROSSING, "Crossing_signal"),
    (bells.electronic_crossing, _CROSSING, "Crossing_signal"),
    (bells.pedestrian_signal, _CROSSING, "Crossing_signal"),
)

_WHISPER = Labels(("Whisper",), ("Speech", "Male_speech", "Female_speech"))
_PEOPLE: tuple[UnseenSignal, ...] = (
    (hands.hand_clapper, Labels(("Clap",), ("Applause",)), "Clap"),
    (hands.clapping_hall, Labels(("Applause",), ("Clap",)), "Applause"),
    (whistles.tin_whistler, Labels(("Whistle",)), "Whistle"),
    (whistles.umpire_whistle, Labels(("Whistle",)), "Whistle"),
    (whispers.whispered_channels, _WHISPER, "Whisper"),
    (whispers.whispered_phases, _WHISPER, "Whisper"),
)

_NOISES: tuple[UnseenSignal, ...] = (
    (noises.office_noise, NOTHING, "noise"),
    # water without bubbles is only hiss
    (noises.shower_head, Labels((), ("Water_run",)), "noise"),
    (noises.motorbike, NOTHING, "noise"),
    (noises.rain_on_roof, NOTHING, "noise"),
    (noises.traffic_rumble, Labels((), ("Wind_noise",)), "noise"),
    (noises.cabin_hum, Labels((), ("Aircraft_noise",)), "noise"),
    (noises.worn_microphone, Labels((), ("Thud", "Wind_noise")), "background"),
)

UNSEEN_SIGNALS: tuple[UnseenSignal, ...] = (
    *_EMERGENCY,
    *_ALARMS,
    *_BELLS,
    *_PEOPLE,
    *_NOISES,
)
