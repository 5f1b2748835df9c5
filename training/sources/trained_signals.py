"""The signal generators that training learns from, each with its labels and its group."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.sources.signals import alarms, backgrounds, beeps, bells, chimes, hands, sirens, whistles
from training.sources.signals.tones import FloatArray
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

Generator = Callable[[np.random.Generator], FloatArray]
TrainedSignal = tuple[Generator, Labels, str]

_ALARM_AND = Labels(
    ("Alarm",), ("Siren", "Emergency_vehicle_siren", "Car_alarm", "Fire_smoke_alarm", "Appliance_alarm")
)
_BEEPS = Labels(("Alarm",), ("Fire_smoke_alarm", "Appliance_alarm", "Reversing_beep", "Crossing_signal", "Car_alarm"))
_EMERGENCY: tuple[TrainedSignal, ...] = (
    (sirens.vehicle_siren, Labels(("Siren", "Emergency_vehicle_siren"), ("Alarm",)), "Siren"),
    (sirens.civil_defence_siren, Labels(("Siren", "Civil_defense_siren"), ("Alarm",)), "Civil_defense_siren"),
    (alarms.beeping_alarm, _BEEPS, "Alarm"),
    (alarms.warbling_alarm, _ALARM_AND, "Alarm"),
    (
        alarms.buzzer,
        Labels(("Alarm",), ("Fire_smoke_alarm", "Appliance_alarm", "Doorbell", "Reversing_beep")),
        "Alarm",
    ),
    (
        alarms.bell_alarm,
        Labels(
            ("Alarm", "Bell"), ("Fire_smoke_alarm", "Crossing_signal", "Bicycle_bell", "Doorbell", "Appliance_alarm")
        ),
        "Alarm",
    ),
    (
        alarms.telephone,
        Labels((), ("Alarm", "Appliance_alarm", "Doorbell", "Fire_smoke_alarm", "Bell")),
        "background",
    ),
    (beeps.smoke_detector, FIRE_ALARM, "Fire_smoke_alarm"),
    (beeps.fire_horn, FIRE_ALARM, "Fire_smoke_alarm"),
    (beeps.appliance_beeps, APPLIANCE_ALARM, "Appliance_alarm"),
    (beeps.clock_beeps, Labels(("Alarm", "Appliance_alarm"), ("Fire_smoke_alarm",)), "Appliance_alarm"),
    (beeps.appliance_melody, APPLIANCE_ALARM, "Appliance_alarm"),
    (beeps.reversing_beep, REVERSING_BEEP, "Reversing_beep"),
    (beeps.reversing_noise, Labels(("Alarm", "Reversing_beep")), "Reversing_beep"),
    (beeps.car_alarm, CAR_ALARM, "Car_alarm"),
    (beeps.car_alarm_horn, CAR_ALARM, "Car_alarm"),
    (beeps.lorry_idling, NOTHING, "noise"),
    (alarms.car_horn, Labels(("Car_horn",), ("Car_alarm",)), "Car_horn"),
    (alarms.truck_or_train_horn, Labels((), ("Car_horn",)), "background"),
)

_CROSSING = Labels(("Crossing_signal",), ("Bell", "Alarm", "Reversing_beep"))
_BIRD_SIGNAL = Labels(("Crossing_signal",), ("Bell", "Alarm", "Reversing_beep", "Bird_chirp", "Whistle"))
_BELLS: tuple[TrainedSignal, ...] = (
    (bells.church_bell, Labels(("Bell",), ("Crossing_signal",)), "Bell"),
    (bells.hand_bell, Labels(("Bell",), ("Bicycle_bell", "Doorbell", "Crossing_signal")), "Bell"),
    (bells.wind_chime, Labels(("Bell",), ("Doorbell", "Dining_clink")), "Bell"),
    (bells.jingle_bells, Labels(("Bell",)), "Bell"),
    (bells.doorbell, DOORBELL, "Doorbell"),
    (chimes.tube_chime, DOORBELL, "Doorbell"),
    (chimes.electronic_chime, DOORBELL, "Doorbell"),
    (chimes.door_buzzer, Labels((), ("Doorbell", "Alarm", "Appliance_alarm")), "background"),
    (chimes.bicycle_thumb_bell, BICYCLE_BELL, "Bicycle_bell"),
    (chimes.bicycle_ding, BICYCLE_BELL, "Bicycle_bell"),
    (chimes.crossing_gong, _CROSSING, "Crossing_signal"),
    (chimes.crossing_electronic_bell, _CROSSING, "Crossing_signal"),
    (chimes.pedestrian_birds, _BIRD_SIGNAL, "Crossing_signal"),
    (chimes.pedestrian_ticks, _CROSSING, "Crossing_signal"),
)

_HANDS_AND_WHISTLES: tuple[TrainedSignal, ...] = (
    (hands.clapping, Labels(("Clap",), ("Applause", "Finger_snap")), "Clap"),
    (hands.applause, Labels(("Applause",), ("Clap",)), "Applause"),
    (whistles.mouth_whistle, Labels(("Whistle",)), "Whistle"),
    (whistles.calling_whistle, Labels(("Whistle",), ("Bird_chirp",)), "Whistle"),
    (whistles.pea_whistle, Labels(("Whistle",)), "Whistle"),
)

_BACKGROUNDS: tuple[TrainedSignal, ...] = (
    (backgrounds.stationary_noise, NOTHING, "noise"),
    (backgrounds.resonant_noise, NOTHING, "noise"),
    (backgrounds.handling, Labels((), ("Thud", "Wind_noise")), "noise"),
    (
        backgrounds.steady_lines,
        Labels((), ("Aircraft_noise", "Vacuum_cleaner", "Electric_shaver_or_toothbrush")),
        "noise",
    ),
    (backgrounds.engine, Labels((), ("Electric_shaver_or_toothbrush",)), "noise"),
    (
        backgrounds.mains_and_tools,
        Labels((), ("Vacuum_cleaner", "Electric_shaver_or_toothbrush", "Aircraft_noise")),
        "background",
    ),
    (backgrounds.crackle, Labels((), ("Single_click", "Keyboard")), "noise"),
)
TRAIN_SIGNALS: tuple[TrainedSignal, ...] = _EMERGENCY + _BELLS + _HANDS_AND_WHISTLES + _BACKGROUNDS
