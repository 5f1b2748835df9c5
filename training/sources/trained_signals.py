"""The signal generators that training learns from, each with its labels, its group and its number of shards."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.sources.signals.alerts import alarms, beeps, bells, chimes, sirens
from training.sources.signals.blows import blasts, clicks, glass_and_dishes, impacts, steps_and_falls
from training.sources.signals.surroundings import animals, backgrounds, motors, people, water_and_weather, whistles
from training.sources.signals.tones import FloatArray
from training.tags import NOTHING, Labels

Generator = Callable[[np.random.Generator], FloatArray]
TrainedSignal = tuple[Generator, Labels, str, int]

_ALARM_AND = Labels(
    ("Alarm",), ("Siren", "Emergency_vehicle_siren", "Car_alarm", "Fire_smoke_alarm", "Appliance_alarm")
)
_BEEPS = Labels(("Alarm",), ("Fire_smoke_alarm", "Appliance_alarm", "Reversing_beep", "Crossing_signal", "Car_alarm"))
_FIRE = Labels(("Alarm", "Fire_smoke_alarm"), ("Appliance_alarm", "Siren"))
_APPLIANCE = Labels(("Alarm", "Appliance_alarm"))
_REVERSING = Labels(("Alarm", "Reversing_beep"), ("Appliance_alarm",))
_CAR_ALARM = Labels(("Alarm", "Car_alarm"), ("Siren", "Emergency_vehicle_siren", "Car_horn"))
_EMERGENCY: tuple[TrainedSignal, ...] = (
    (sirens.vehicle_siren, Labels(("Siren", "Emergency_vehicle_siren"), ("Alarm",)), "Siren", 8),
    (sirens.civil_defence_siren, Labels(("Siren", "Civil_defense_siren"), ("Alarm",)), "Civil_defense_siren", 6),
    (alarms.beeping_alarm, _BEEPS, "Alarm", 6),
    (alarms.warbling_alarm, _ALARM_AND, "Alarm", 3),
    (
        alarms.buzzer,
        Labels(("Alarm",), ("Fire_smoke_alarm", "Appliance_alarm", "Doorbell", "Reversing_beep")),
        "Alarm",
        3,
    ),
    (
        alarms.bell_alarm,
        Labels(
            ("Alarm", "Bell"), ("Fire_smoke_alarm", "Crossing_signal", "Bicycle_bell", "Doorbell", "Appliance_alarm")
        ),
        "Alarm",
        2,
    ),
    (
        alarms.telephone,
        Labels((), ("Alarm", "Appliance_alarm", "Doorbell", "Fire_smoke_alarm", "Bell")),
        "background",
        2,
    ),
    (beeps.smoke_detector, _FIRE, "Fire_smoke_alarm", 8),
    (beeps.fire_horn, _FIRE, "Fire_smoke_alarm", 6),
    (beeps.appliance_beeps, _APPLIANCE, "Appliance_alarm", 6),
    (beeps.clock_beeps, Labels(("Alarm", "Appliance_alarm"), ("Fire_smoke_alarm",)), "Appliance_alarm", 3),
    (beeps.appliance_melody, _APPLIANCE, "Appliance_alarm", 3),
    (beeps.reversing_beep, _REVERSING, "Reversing_beep", 8),
    (beeps.reversing_noise, Labels(("Alarm", "Reversing_beep")), "Reversing_beep", 3),
    (beeps.car_alarm, _CAR_ALARM, "Car_alarm", 9),
    (beeps.car_alarm_horn, _CAR_ALARM, "Car_alarm", 3),
    (beeps.lorry_idling, NOTHING, "noise", 2),
    (alarms.car_horn, Labels(("Car_horn",), ("Car_alarm",)), "Car_horn", 6),
    (alarms.truck_or_train_horn, Labels((), ("Car_horn",)), "background", 1),
    (impacts.gunshot, Labels(("Gunshot",)), "Gunshot", 6),
    (blasts.explosion, Labels(("Explosion",), ("Gunshot", "Thud")), "Explosion", 8),
    (blasts.distant_explosion, Labels(("Explosion",), ("Gunshot", "Thud")), "Explosion", 5),
    (blasts.thunder, Labels((), ("Explosion", "Thud")), "background", 2),
)

_DOORBELL = Labels(("Doorbell",), ("Bell", "Alarm", "Appliance_alarm", "Instrument", "Music"))
_BICYCLE = Labels(("Bell", "Bicycle_bell"), ("Doorbell",))
_CROSSING = Labels(("Crossing_signal",), ("Bell", "Alarm", "Reversing_beep"))
_BIRD_SIGNAL = Labels(("Crossing_signal",), ("Bell", "Alarm", "Reversing_beep", "Bird_chirp", "Whistle"))
_BELLS: tuple[TrainedSignal, ...] = (
    (bells.church_bell, Labels(("Bell",), ("Crossing_signal",)), "Bell", 4),
    (bells.hand_bell, Labels(("Bell",), ("Bicycle_bell", "Doorbell", "Crossing_signal")), "Bell", 4),
    (bells.wind_chime, Labels(("Bell",), ("Doorbell", "Dining_clink")), "Bell", 2),
    (bells.jingle_bells, Labels(("Bell",)), "Bell", 2),
    (bells.doorbell, _DOORBELL, "Doorbell", 5),
    (chimes.tube_chime, _DOORBELL, "Doorbell", 5),
    (chimes.electronic_chime, _DOORBELL, "Doorbell", 5),
    (chimes.door_buzzer, Labels((), ("Doorbell", "Alarm", "Appliance_alarm")), "background", 1),
    (chimes.bicycle_thumb_bell, _BICYCLE, "Bicycle_bell", 8),
    (chimes.bicycle_ding, _BICYCLE, "Bicycle_bell", 5),
    (chimes.crossing_gong, _CROSSING, "Crossing_signal", 6),
    (chimes.crossing_electronic_bell, _CROSSING, "Crossing_signal", 5),
    (chimes.pedestrian_birds, _BIRD_SIGNAL, "Crossing_signal", 3),
    (chimes.pedestrian_ticks, _CROSSING, "Crossing_signal", 3),
)

_STEP = Labels(("Footstep",), ("Knock", "Thud"))
_THUD = Labels(("Thud",), ("Knock", "Footstep", "Drum", "Gunshot"))
_KEYS = Labels(("Keyboard",), ("Single_click", "Knock"))
_CLICK = Labels(("Single_click",), ("Keyboard", "Finger_snap", "Knock"))
_SNAP = Labels(("Finger_snap",), ("Clap", "Single_click"))
_GLASS = Labels(("Glass_break",), ("Dining_clink", "Bell"))
_DISHES = Labels(("Dining_clink",), ("Bell", "Glass_break"))
_BLOWS: tuple[TrainedSignal, ...] = (
    (impacts.knock, Labels(("Knock",), ("Thud",)), "Knock", 6),
    (impacts.clapping, Labels(("Clap",), ("Applause", "Finger_snap")), "Clap", 5),
    (impacts.applause, Labels(("Applause",), ("Clap",)), "Applause", 5),
    (impacts.slams_and_thuds, Labels((), ("Thud", "Explosion")), "background", 3),
    (impacts.footsteps, _STEP, "Footstep", 3),
    (steps_and_falls.hard_steps, _STEP, "Footstep", 5),
    (steps_and_falls.crunching_steps, _STEP, "Footstep", 5),
    (steps_and_falls.soft_steps, _STEP, "Footstep", 5),
    (steps_and_falls.heavy_fall, _THUD, "Thud", 6),
    (steps_and_falls.box_thud, _THUD, "Thud", 5),
    (steps_and_falls.dull_blow, _THUD, "Thud", 6),
    (
        impacts.clinks_and_clicks,
        Labels((), ("Dining_clink", "Keyboard", "Single_click", "Glass_break")),
        "background",
        2,
    ),
    (clicks.mechanical_keyboard, _KEYS, "Keyboard", 6),
    (clicks.membrane_keyboard, _KEYS, "Keyboard", 5),
    (clicks.typewriter, _KEYS, "Keyboard", 3),
    (clicks.switch_click, _CLICK, "Single_click", 6),
    (clicks.mouse_click, _CLICK, "Single_click", 6),
    (clicks.finger_snap, _SNAP, "Finger_snap", 6),
    (clicks.finger_snap_pop, _SNAP, "Finger_snap", 6),
    (clicks.finger_snap_noise, _SNAP, "Finger_snap", 5),
    (glass_and_dishes.glass_shower, _GLASS, "Glass_break", 6),
    (glass_and_dishes.glass_crash, _GLASS, "Glass_break", 6),
    (glass_and_dishes.cutlery, _DISHES, "Dining_clink", 5),
    (glass_and_dishes.clinking_glasses, _DISHES, "Dining_clink", 5),
    (glass_and_dishes.stacked_dishes, _DISHES, "Dining_clink", 5),
    (glass_and_dishes.coins_and_keys, Labels((), ("Dining_clink", "Bell")), "background", 2),
    (steps_and_falls.bouncing_ball, Labels((), ("Thud",)), "background", 2),
    (motors.hammering, Labels((), ("Dining_clink",)), "background", 2),
)

_WATER = Labels(("Water_run",), ("Boiling",))
_BOIL = Labels(("Boiling",), ("Water_run",))
_WIND = Labels(("Wind_noise",))
_NATURE: tuple[TrainedSignal, ...] = (
    (water_and_weather.tap, _WATER, "Water_run", 5),
    (water_and_weather.brook, _WATER, "Water_run", 5),
    (water_and_weather.pouring, _WATER, "Water_run", 5),
    (water_and_weather.shower, _WATER, "Water_run", 3),
    (water_and_weather.pot_boiling, _BOIL, "Boiling", 6),
    (water_and_weather.kettle_boiling, _BOIL, "Boiling", 6),
    (water_and_weather.simmering, _BOIL, "Boiling", 5),
    (water_and_weather.bath_filling, _WATER, "Water_run", 3),
    (water_and_weather.drips, Labels((), ("Water_run",)), "background", 1),
    (backgrounds.rain_or_water, Labels((), ("Water_run", "Boiling")), "noise", 1),
    (water_and_weather.rain, NOTHING, "noise", 4),
    (water_and_weather.surf, Labels((), ("Wind_noise",)), "background", 2),
    (backgrounds.wind, _WIND, "Wind_noise", 3),
    (water_and_weather.buffeting, _WIND, "Wind_noise", 5),
    (water_and_weather.howling_wind, _WIND, "Wind_noise", 3),
    (water_and_weather.wind_in_trees, _WIND, "Wind_noise", 3),
    (animals.dog_bark, Labels(("Dog_bark",)), "Dog_bark", 8),
    (animals.dog_bark_pulses, Labels(("Dog_bark",)), "Dog_bark", 6),
    (animals.dog_bark_noise, Labels(("Dog_bark",)), "Dog_bark", 5),
    (animals.dog_howl, Labels((), ("Dog_bark", "Cat_meow", "Siren")), "background", 1),
    (animals.cat_meow, Labels(("Cat_meow",), ("Baby_cry",)), "Cat_meow", 6),
    (animals.cat_meow_modulated, Labels(("Cat_meow",), ("Baby_cry",)), "Cat_meow", 5),
    (animals.cat_meow_pulses, Labels(("Cat_meow",), ("Baby_cry",)), "Cat_meow", 6),
    (animals.mosquito, Labels(("Mosquito",), ("Electric_shaver_or_toothbrush",)), "Mosquito", 6),
    (animals.mosquito_passing, Labels(("Mosquito",), ("Electric_shaver_or_toothbrush",)), "Mosquito", 5),
    (whistles.bird_song, Labels(("Bird_chirp",), ("Whistle", "Crossing_signal")), "Bird_chirp", 5),
    (animals.bird_trill, Labels(("Bird_chirp",), ("Whistle", "Crossing_signal")), "Bird_chirp", 5),
    (animals.bird_calls, Labels(("Bird_chirp",), ("Whistle", "Crossing_signal")), "Bird_chirp", 5),
    (animals.thrush, Labels(("Bird_chirp",), ("Whistle", "Crossing_signal")), "Bird_chirp", 5),
    (animals.bird_buzz, Labels(("Bird_chirp",), ("Whistle", "Crossing_signal")), "Bird_chirp", 3),
    (backgrounds.animal_voice, Labels((), ("Dog_bark", "Cat_meow", "Baby_cry")), "background", 2),
    (animals.slow_calls, Labels((), ("Siren", "Civil_defense_siren")), "background", 3),
    (animals.other_animal, NOTHING, "background", 3),
    (backgrounds.crickets, NOTHING, "background", 2),
)

_AIRCRAFT = Labels(("Aircraft_noise",), ("Vacuum_cleaner", "Wind_noise"))
_VACUUM = Labels(("Vacuum_cleaner",), ("Electric_shaver_or_toothbrush", "Aircraft_noise"))
_SHAVER = Labels(("Electric_shaver_or_toothbrush",), ("Vacuum_cleaner", "Mosquito"))
_CRY = Labels(("Baby_cry",), ("Cat_meow",))
_PEOPLE_AND_MOTORS: tuple[TrainedSignal, ...] = (
    (whistles.mouth_whistle, Labels(("Whistle",)), "Whistle", 5),
    (whistles.calling_whistle, Labels(("Whistle",), ("Bird_chirp",)), "Whistle", 3),
    (whistles.pea_whistle, Labels(("Whistle",)), "Whistle", 4),
    (people.baby_cry, _CRY, "Baby_cry", 8),
    (people.baby_cry_pulses, _CRY, "Baby_cry", 6),
    (people.baby_cry_modulated, _CRY, "Baby_cry", 5),
    (people.snore, Labels(("Snore",)), "Snore", 6),
    (people.snore_noise, Labels(("Snore",)), "Snore", 6),
    (people.breathing, Labels((), ("Snore",)), "background", 1),
    (people.moaning_crowd, Labels((), ("Speech", "Male_speech", "Female_speech", "Music")), "background", 2),
    (motors.propeller, _AIRCRAFT, "Aircraft_noise", 3),
    (motors.propeller_pulses, _AIRCRAFT, "Aircraft_noise", 3),
    (motors.jet, _AIRCRAFT, "Aircraft_noise", 5),
    (motors.helicopter, _AIRCRAFT, "Aircraft_noise", 3),
    (motors.vacuum_cleaner, _VACUUM, "Vacuum_cleaner", 6),
    (motors.vacuum_cleaner_body, _VACUUM, "Vacuum_cleaner", 6),
    (motors.vacuum_cleaner_air, _VACUUM, "Vacuum_cleaner", 5),
    (motors.shaver, _SHAVER, "Electric_shaver_or_toothbrush", 6),
    (motors.shaver_noise, _SHAVER, "Electric_shaver_or_toothbrush", 5),
    (motors.toothbrush, _SHAVER, "Electric_shaver_or_toothbrush", 6),
    (motors.machinery, Labels((), ("Keyboard",)), "background", 3),
    (motors.rustling, NOTHING, "background", 2),
    (motors.traffic, NOTHING, "background", 2),
    (backgrounds.stationary_noise, NOTHING, "noise", 8),
    (backgrounds.resonant_noise, NOTHING, "noise", 6),
    (backgrounds.handling, Labels((), ("Thud", "Wind_noise")), "noise", 6),
    (
        backgrounds.steady_lines,
        Labels((), ("Aircraft_noise", "Vacuum_cleaner", "Electric_shaver_or_toothbrush")),
        "noise",
        6,
    ),
    (backgrounds.engine, Labels((), ("Electric_shaver_or_toothbrush",)), "noise", 3),
    (
        backgrounds.mains_and_tools,
        Labels((), ("Vacuum_cleaner", "Electric_shaver_or_toothbrush", "Aircraft_noise")),
        "background",
        2,
    ),
    (backgrounds.crackle, Labels((), ("Single_click", "Keyboard")), "noise", 2),
)
TRAIN_SIGNALS: tuple[TrainedSignal, ...] = _EMERGENCY + _BELLS + _BLOWS + _NATURE + _PEOPLE_AND_MOTORS
