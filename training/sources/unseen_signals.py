"""The signal generators that only judge, with their labels.

They lie in `training.sources.unseen`, which shares no code with `training.sources.signals`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.sources.unseen import alarms, bells, hands, noises, sirens, whispers, whistles
from training.sources.unseen.parts import Array
from training.tags import NOTHING, Labels

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

_FIRE = Labels(("Alarm", "Fire_smoke_alarm"), ("Appliance_alarm", "Siren"))
_APPLIANCE = Labels(("Alarm", "Appliance_alarm"))
_PLAIN_BEEPS = Labels(("Alarm", "Appliance_alarm"), ("Fire_smoke_alarm",))
_REVERSING = Labels(("Alarm", "Reversing_beep"), ("Appliance_alarm",))
_CAR = Labels(("Alarm", "Car_alarm"), ("Siren", "Emergency_vehicle_siren", "Car_horn"))
_SOUNDER = Labels(("Alarm",), ("Siren", "Emergency_vehicle_siren", "Fire_smoke_alarm", "Car_alarm"))
_ALARMS: tuple[UnseenSignal, ...] = (
    (alarms.kitchen_timer, _PLAIN_BEEPS, "Appliance_alarm"),
    (alarms.reversing_lorry, _REVERSING, "Reversing_beep"),
    (alarms.evacuation_sounder, _SOUNDER, "Alarm"),
    (alarms.temporal_detector, _FIRE, "Fire_smoke_alarm"),
    (alarms.panel_sounder, _FIRE, "Fire_smoke_alarm"),
    (alarms.pulsing_detector, _FIRE, "Fire_smoke_alarm"),
    (alarms.microwave_done, _APPLIANCE, "Appliance_alarm"),
    # a tune of beeps may or may not count as music
    (alarms.washer_melody, Labels(_APPLIANCE.present, ("Music", "Instrument", "Doorbell")), "Appliance_alarm"),
    (alarms.bedside_clock, _PLAIN_BEEPS, "Appliance_alarm"),
    (alarms.forklift_backer, _REVERSING, "Reversing_beep"),
    (alarms.hissing_backer, _REVERSING, "Reversing_beep"),
    (alarms.six_tone_alarm, _CAR, "Car_alarm"),
    (alarms.panicking_car, _CAR, "Car_alarm"),
)

_DOORBELL = Labels(("Doorbell",), ("Bell", "Alarm", "Appliance_alarm", "Instrument", "Music"))
_BICYCLE = Labels(("Bell", "Bicycle_bell"), ("Doorbell",))
_CROSSING = Labels(("Crossing_signal",), ("Bell", "Alarm", "Reversing_beep", "Bird_chirp"))
_BELLS: tuple[UnseenSignal, ...] = (
    (bells.fire_bell, Labels(("Alarm", "Bell"), ("Fire_smoke_alarm", "Doorbell")), "Alarm"),
    (bells.temple_bell, Labels(("Bell",)), "Bell"),
    (bells.bicycle_bell, _BICYCLE, "Bicycle_bell"),
    (bells.brass_dinger, _BICYCLE, "Bicycle_bell"),
    (bells.ratchet_bell, _BICYCLE, "Bicycle_bell"),
    (bells.two_tube_chime, _DOORBELL, "Doorbell"),
    (bells.wireless_chime, _DOORBELL, "Doorbell"),
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
