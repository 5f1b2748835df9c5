"""The signal generators that only judge, with their labels.

They lie in `training.sources.unseen`, which shares no code with `training.sources.signals`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.sources.unseen import alarms, animals, bells, blows, flows, machines, people, sirens, untagged, whispers
from training.sources.unseen.parts import Array
from training.tags import NOTHING, Labels

UnseenSignal = tuple[Callable[[np.random.Generator], Array], Labels, str]

_ROAD = Labels(("Siren", "Emergency_vehicle_siren"), ("Alarm",))
_EMERGENCY: tuple[UnseenSignal, ...] = (
    # yelp and wail are also two of a car alarm's patterns
    (sirens.american_patrol_siren, Labels(_ROAD.present, ("Alarm", "Car_alarm")), "Siren"),
    (sirens.european_horn_siren, _ROAD, "Siren"),
    (sirens.air_raid_siren, Labels(("Siren", "Civil_defense_siren"), ("Alarm",)), "Civil_defense_siren"),
    (sirens.shot, Labels(("Gunshot",), ("Explosion",)), "Gunshot"),
    # an even beat of the horn is also what some car alarms do
    (sirens.klaxon_of_a_car, Labels(("Car_horn",), ("Car_alarm",)), "Car_horn"),
    (blows.distant_blast, Labels(("Explosion",), ("Gunshot", "Thud")), "Explosion"),
    (blows.near_detonation, Labels(("Explosion",), ("Gunshot", "Thud")), "Explosion"),
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

_FOOTSTEP = Labels(("Footstep",), ("Knock", "Thud"))
_THUD = Labels(("Thud",), ("Knock", "Footstep", "Drum", "Gunshot"))
_KEYBOARD = Labels(("Keyboard",), ("Single_click", "Knock"))
_CLICK = Labels(("Single_click",), ("Keyboard", "Finger_snap", "Knock"))
_GLASS = Labels(("Glass_break",), ("Dining_clink", "Bell"))
_DINING = Labels(("Dining_clink",), ("Bell", "Glass_break"))
_BLOWS: tuple[UnseenSignal, ...] = (
    (blows.door_knocker, Labels(("Knock",)), "Knock"),
    (blows.hand_clapper, Labels(("Clap",), ("Applause",)), "Clap"),
    (blows.clapping_hall, Labels(("Applause",), ("Clap",)), "Applause"),
    (blows.driven_nails, NOTHING, "background"),
    (blows.walker_on_floor, _FOOTSTEP, "Footstep"),
    (blows.walker_on_gravel, _FOOTSTEP, "Footstep"),
    (blows.falling_load, _THUD, "Thud"),
    (blows.soft_slam, _THUD, "Thud"),
    (blows.office_typist, _KEYBOARD, "Keyboard"),
    (blows.manual_typewriter, _KEYBOARD, "Keyboard"),
    (blows.mouse_clicker, _CLICK, "Single_click"),
    (blows.switch_or_pen, _CLICK, "Single_click"),
    (blows.finger_snapper, Labels(("Finger_snap",), ("Clap", "Single_click")), "Finger_snap"),
    (blows.shattering_pane, _GLASS, "Glass_break"),
    (blows.dropped_bottle, _GLASS, "Glass_break"),
    (blows.cutlery_and_plates, _DINING, "Dining_clink"),
    (blows.toasting_glasses, _DINING, "Dining_clink"),
)

_WATER = Labels(("Water_run",), ("Boiling",))
_BOILING = Labels(("Boiling",), ("Water_run",))
_AIRCRAFT = Labels(("Aircraft_noise",), ("Vacuum_cleaner", "Wind_noise"))
_VACUUM = Labels(("Vacuum_cleaner",), ("Electric_shaver_or_toothbrush", "Aircraft_noise"))
_SHAVER = Labels(("Electric_shaver_or_toothbrush",), ("Vacuum_cleaner", "Mosquito"))
_FLOWS_AND_MACHINES: tuple[UnseenSignal, ...] = (
    (flows.running_tap, _WATER, "Water_run"),
    (flows.stony_stream, _WATER, "Water_run"),
    (flows.poured_glass, _WATER, "Water_run"),
    (flows.rolling_boil, _BOILING, "Boiling"),
    (flows.simmering_pot, _BOILING, "Boiling"),
    (flows.gusty_microphone, Labels(("Wind_noise",)), "Wind_noise"),
    (flows.howling_gap, Labels(("Wind_noise",)), "Wind_noise"),
    (machines.propeller_plane, _AIRCRAFT, "Aircraft_noise"),
    (machines.jet_fly_over, _AIRCRAFT, "Aircraft_noise"),
    (machines.passing_helicopter, _AIRCRAFT, "Aircraft_noise"),
    (machines.canister_vacuum, _VACUUM, "Vacuum_cleaner"),
    (machines.upright_vacuum, _VACUUM, "Vacuum_cleaner"),
    (machines.foil_shaver, _SHAVER, "Electric_shaver_or_toothbrush"),
    (machines.sonic_toothbrush, _SHAVER, "Electric_shaver_or_toothbrush"),
)

_MOSQUITO = Labels(("Mosquito",), ("Electric_shaver_or_toothbrush",))
_BIRD = Labels(("Bird_chirp",), ("Whistle", "Crossing_signal"))
_DOG = Labels(("Dog_bark",))
_CAT = Labels(("Cat_meow",), ("Baby_cry",))
_BABY = Labels(("Baby_cry",), ("Cat_meow",))
_WHISPER = Labels(("Whisper",), ("Speech", "Male_speech", "Female_speech"))
_VOICES: tuple[UnseenSignal, ...] = (
    (people.tin_whistler, Labels(("Whistle",)), "Whistle"),
    (people.umpire_whistle, Labels(("Whistle",)), "Whistle"),
    (people.palatal_snorer, Labels(("Snore",)), "Snore"),
    (people.nasal_snorer, Labels(("Snore",)), "Snore"),
    (whispers.whispered_channels, _WHISPER, "Whisper"),
    (whispers.whispered_phases, _WHISPER, "Whisper"),
    (animals.passing_mosquito, _MOSQUITO, "Mosquito"),
    (animals.two_mosquitoes, _MOSQUITO, "Mosquito"),
    (animals.trilling_finch, _BIRD, "Bird_chirp"),
    (animals.fluting_thrush, _BIRD, "Bird_chirp"),
    (animals.chirping_sparrows, _BIRD, "Bird_chirp"),
    (animals.guard_dog, _DOG, "Dog_bark"),
    (animals.lap_dog, _DOG, "Dog_bark"),
    (animals.house_cat, _CAT, "Cat_meow"),
    (animals.begging_kitten, _CAT, "Cat_meow"),
    (animals.crying_infant, _BABY, "Baby_cry"),
    (animals.fussing_newborn, _BABY, "Baby_cry"),
)

_UNTAGGED: tuple[UnseenSignal, ...] = (
    (untagged.office_noise, NOTHING, "noise"),
    # water without bubbles is only hiss
    (untagged.shower_head, Labels((), ("Water_run",)), "noise"),
    (untagged.motorbike, NOTHING, "noise"),
    (untagged.rain_on_roof, NOTHING, "noise"),
    (untagged.traffic_rumble, Labels((), ("Wind_noise",)), "noise"),
    (untagged.cabin_hum, Labels((), ("Aircraft_noise",)), "noise"),
    (untagged.worn_microphone, Labels((), ("Thud", "Wind_noise")), "background"),
    (untagged.rolling_thunder, Labels((), ("Explosion",)), "background"),
    (untagged.breaking_waves, Labels((), ("Wind_noise",)), "background"),
    (untagged.ink_printer, NOTHING, "background"),
    (untagged.sewing_machine, NOTHING, "background"),
    (untagged.ball_game, Labels((), ("Thud",)), "background"),
    (untagged.counted_coins, NOTHING, "background"),
    (untagged.handled_paper, NOTHING, "background"),
    (untagged.croaking_frog, NOTHING, "background"),
    (untagged.lowing_cow, NOTHING, "background"),
    (untagged.sawing_wood, NOTHING, "background"),
)

UNSEEN_SIGNALS: tuple[UnseenSignal, ...] = (
    *_EMERGENCY,
    *_ALARMS,
    *_BELLS,
    *_BLOWS,
    *_FLOWS_AND_MACHINES,
    *_VOICES,
    *_UNTAGGED,
)
