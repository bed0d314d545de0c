# Copyright 2026 l2emg_ros authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""The places where gestures happen: their gestures, manners, people and things."""

from __future__ import annotations

from dataclasses import dataclass

from l2emg_ros.corpus.effort import Dialect
from l2emg_ros.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Scenario:
    """A place with its people and its manners.

    Attributes:
        name: Of the scenario.
        gestures: Names of the gestures made here; places share some, so that the gesture alone
            does not give the place away.
        dialect: How the place colours every gesture.
        people: Addressees, with article.
        places: Adverbials of place.
        things: Objects that change hands.
        goals: Where one points and walks to.
    """

    name: str
    gestures: tuple[str, ...]
    dialect: Dialect
    people: tuple[str, ...]
    places: tuple[str, ...]
    things: tuple[str, ...]
    goals: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(','))


def _scenario(
    name: str, gestures: str, dialect: Dialect, people: str, places: str, things: str, goals: str
) -> Scenario:
    return Scenario(
        name,
        tuple(gestures.split()),
        dialect,
        _words(people),
        _words(places),
        _words(things),
        _words(goals),
    )


SCENARIOS: dict[str, Scenario] = {
    s.name: s
    for s in (
        _scenario(
            'reception',
            'wave bow handshake welcome present hand_over nod point_left point_right apologise '
            'talk_seated check_watch point_self',
            Dialect(amp=0.95, chest=2, tempo=0.97),
            'a visitor, a guest, a client, the next customer, a business partner, '
            'a new colleague, the delivery man, an applicant, a lady in a hurry, '
            'a couple with suitcases',
            'at the front desk, in the lobby, at the hotel entrance, in the waiting area, '
            'at the office door, behind the counter',
            'the key card, a form, a visitor badge, a brochure, the bill, a parcel, '
            'a business card',
            'the lift, the meeting room, the restaurant, the stairs, the rest rooms, the exit',
        ),
        _scenario(
            'guide',
            'point_left point_right point_forward point_up walk_guide present beckon look_around '
            'wave_both welcome step_back step_forward turn_left turn_right count',
            Dialect(amp=1.08, tempo=1.03),
            'the tour group, a tourist, the visitors, a family, the travellers, a lost child, '
            'a foreign couple, a class on an excursion, a blind man, an elderly lady',
            'in the museum, at the station, in the old town, in the airport hall, in the park, '
            'on the campus',
            'a map, a ticket, an audio guide, a leaflet, an umbrella, a bottle of water',
            'the gallery, platform nine, the cathedral, the gate, the main square, the cafe',
        ),
        _scenario(
            'ward',
            'comfort pat hand_on_heart hand_over listen calm_down wipe_tears nod walk_guide hug '
            'cry talk_seated step_forward turn_left turn_right silence',
            Dialect(amp=0.85, ceiling=1.05, tempo=0.88, sharp=-0.2, bend=2, bounce=0.4),
            'a patient, an elderly patient, a sick child, a nurse, a frightened girl, '
            'a worried father, a woman in a wheelchair, a crying child, the doctor, a widow',
            'on the ward, in the hospital, at the bedside, in the nursing home, in the clinic, '
            'in the waiting room',
            'a glass of water, the medicine, a blanket, a cup of tea, a walking stick, a tissue',
            'the treatment room, the bed, the bathroom, the day room, the reception',
        ),
        _scenario(
            'classroom',
            'explain count think raise_hand nod shake_head listen calm_down point_forward clap '
            'thumbs_up thumbs_down scratch_head silence talk_seated facepalm',
            Dialect(amp=1.03, chest=1),
            'a student, the class, the pupils, a shy pupil, the teacher, a schoolboy, '
            'the first graders, a classmate, the professor, a noisy group',
            'in class, at the blackboard, in the lecture hall, at school, in the seminar, '
            'during the lesson',
            'a book, a worksheet, a pencil, the exam paper, a piece of chalk, a notebook',
            'the board, the screen, the map on the wall, the door, the last row',
        ),
        _scenario(
            'sports',
            'cheer clap raise_fist thumbs_up thumbs_down stretch squat wave_both pat cross_arms '
            'drink high_five flex_muscles throw hands_on_hips facepalm',
            Dialect(amp=1.12, tempo=1.1, sharp=0.1, bounce=1.3, stance=1.15, bend=1),
            'a teammate, the players, the coach, the fans, the opponent, the goalkeeper, '
            'the winner, the referee, a young athlete, the runners',
            'on the field, in the stadium, at the gym, at the finish line, on the bench, '
            'before the match',
            'the ball, a towel, a water bottle, the trophy, a racket, a dumbbell',
            'the goal, the bench, the changing room, the finish line, the stands',
        ),
        _scenario(
            'stage',
            'dance bow curtsy blow_kiss cheer explain cover_face hug wave_both present raise_fist '
            'conduct laugh flex_muscles',
            Dialect(amp=1.15, tempo=1.0, chest=4, stance=1.05),
            'the audience, the crowd, the front row, a dance partner, the orchestra, the singer, '
            'the jury, the spectators, the conductor, a fan',
            'on stage, in the theatre, at the concert, under the spotlight, at the ballet, '
            'in the talent show',
            'the microphone, a rose, the award, a mask, a guitar, the bouquet',
            'the balcony, the orchestra, the curtain, the piano, the wings',
        ),
        _scenario(
            'home',
            'hug pick_up drink shrug think stretch dance blow_kiss wave hand_over cover_face '
            'wipe_tears laugh toast yawn scratch_head plead knock',
            Dialect(amp=0.97, sharp=-0.1, tempo=0.96),
            'grandmother, the children, a family member, a neighbour, your sister, the baby, '
            'your husband, your wife, a little boy, an old friend',
            'at home, in the kitchen, in the living room, in the garden, on the porch, '
            'at the dinner table',
            'a toy, a plate, a laundry basket, the remote control, a cookie, the newspaper, '
            'a gift',
            'the kitchen, the sofa, the garden, the window, the bedroom',
        ),
        _scenario(
            'security',
            'stop refuse salute look_around step_back dismiss cross_arms point_forward shake_head '
            'beckon knock check_watch hands_on_hips shrug plead yawn',
            Dialect(amp=1.0, tempo=1.0, sharp=0.15, chest=5, stance=1.2, bounce=0.5),
            'a passer-by, a stranger, a driver, the crowd, an intruder, a suspect, '
            'a drunken man, the officer, a photographer, the demonstrators',
            'at the gate, at the checkpoint, at the entrance, in the car park, on patrol, '
            'at the barrier',
            'the bag, an identity card, the permit, a suspicious parcel, the keys, a bribe',
            'the car park, the gate, the fence, the emergency exit, the checkpoint',
        ),
    )
}
"""Scenarios by name, in their canonical order."""

UNSEEN: dict[str, Scenario] = {
    s.name: s
    for s in (
        _scenario(
            'shop',
            'hand_over present point_left point_right welcome thumbs_up refuse count handshake '
            'shrug knock look_around',
            Dialect(amp=1.05, tempo=1.06, bounce=1.1),
            'a customer, a shopper, the cashier, a regular, a bargain hunter, a picky buyer, '
            'the sales assistant, a child with a lollipop, the shopkeeper, a courier',
            'in the shop, at the checkout, in the supermarket, at the market stall, '
            'in the bakery, between the shelves',
            'the change, a receipt, a paper bag, a sample, a jar of jam, the shoes, a coupon',
            'the fitting room, the checkout, the bakery counter, the trolleys, the sale rack',
        ),
        _scenario(
            'museum',
            'present point_up explain silence walk_guide look_around listen think stop beckon '
            'point_forward nod',
            Dialect(amp=0.92, tempo=0.92, chest=2, sharp=-0.05),
            'a museum visitor, the curator, an art lover, a school group, the custodian, '
            'a sculptor, an old collector, a student of history, a photographer, a couple',
            'in the gallery, before the painting, in the exhibition, beside the dinosaur, '
            'under the dome, in the sculpture hall',
            'a catalogue, the audio guide, an antique coin, a postcard, a magnifying glass',
            'the Egyptian room, the fresco, the cloakroom, the museum shop, the statue',
        ),
    )
}
"""Scenarios that no shipped model was trained on."""


def find(name: str | Scenario) -> Scenario:
    """Return the scenario of a name; one that is given itself, as it is.

    Raises:
        BadRequest: There is none.
    """
    if isinstance(name, Scenario):
        return name
    known = {**SCENARIOS, **UNSEEN}
    if name not in known:
        raise BadRequest(f'unknown scenario {name!r}: use one of {", ".join(known)}')
    return known[name]
