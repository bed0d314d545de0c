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
"""Captions of the gestures that show, tell, direct and warn; the notation is phrases_social's."""

from __future__ import annotations

PHRASES: dict[str, tuple[list[str], list[str]]] = {
    'point_left': (
        [
            '<point> [to the|] left',
            '<point> to the left [with the left arm|] [for {who}|]',
            '<show> {who} [something|{goal}] on the left',
            '<stretch> [your|the] left arm to the left [and <look> there|]',
            '<tell> {who} to go left',
            '<direct> {who} to the left [side|]',
            '<indicate> [the left|the left side|{goal} on the left]',
            '<explain> that {goal} is on the left [side|] by pointing',
            '<send> {who} to the left, towards {goal}',
        ],
        [
            'the toilets are on your left-hand side, show them',
            'aim your finger at the leftmost door',
            'somebody asks for the lift: it is down the hallway to the left',
            'a guard gestures left with a straightened arm',
        ],
    ),
    'point_right': (
        [
            '<point> [to the|] right',
            '<point> to the right [with the right arm|] [for {who}|]',
            '<show> {who} [something|{goal}] on the right',
            '<stretch> [your|the] right arm to the right [and <look> there|]',
            '<tell> {who} to go right',
            '<direct> {who} to the right [side|]',
            '<indicate> [the right|the right side|{goal} on the right]',
            '<explain> that {goal} is on the right [side|] by pointing',
            '<send> {who} to the right, towards {goal}',
        ],
        [
            'the toilets are on your right-hand side, show them',
            'aim your finger at the rightmost door',
            'somebody asks for the lift: it is down the hallway to the right',
            'a guard gestures right with a straightened arm',
        ],
    ),
    'point_forward': (
        [
            '<point> [straight|] [ahead|forward|in front of you]',
            '<point> at {who} [in front of you|]',
            '<point> [a finger|] at [something|{goal}|the screen|the board] ahead',
            '<stretch> one arm straight [ahead|forward] to point',
            '<tell> {who} to go straight on',
            '<show> {who} that {goal} is straight ahead',
            '<single> out {who} by pointing',
            '<accuse> {who} with a pointed finger',
            '<indicate> [the way ahead|{goal} in front of you]',
            '<aim> [your|a] finger at {who}',
        ],
        [
            'you, over there! pick one person in the front row',
            'keep going in this direction, the station is before you',
            'a sailor spots land dead ahead and shows it with an extended index',
            'direct a straightened arm at the target facing you',
        ],
    ),
    'present': (
        [
            (
                '<present> [the product|the painting|the new model|{goal}] [to {who}|] with an '
                'open [palm|hand]'
            ),
            '<show> {goal} to {who} with an open palm',
            '<lead> the eye to [one side|{goal}] with an open hand',
            '<introduce> [the next speaker|a colleague|the new member] to {who}',
            '<offer> {who} a [seat|chair|place]',
            '<gesture> [to the side|towards {goal}] with an open palm',
            '<point> out {goal} politely with [a flat|an open] hand',
            '<invite> {who} to [sit down|look at this|take a look]',
            '<show> off [the exhibit|the view|the prize]',
        ],
        [
            'draw attention to the sculpture beside you, hand upturned',
            'a saleswoman displays the car next to her',
            'please be seated over here, sir',
            'here it is, ladies and gentlemen: our latest invention at my side',
        ],
    ),
    'hand_over': (
        [
            '<hand> {thing} to {who}',
            '<hand> over {thing} [with both hands|] [to {who}|]',
            '<give> {thing} to {who} [with both hands|]',
            '<offer> {thing} to {who} [with both hands|]',
            '<pass> {thing} to {who}',
            '<hold> out {thing} [to {who}|with both hands]',
            '<serve> {thing} to {who}',
            '<deliver> {thing} to {who}',
            '<present> {who} with {thing}',
            '<reach> out both hands to give {thing} away',
        ],
        [
            'let him take the box from your two hands',
            'a waiter brings the tray forward to the diner',
            'surrender the keys to their owner',
            'transfer the bundle into her arms',
        ],
    ),
    'nod': (
        [
            '<nod> [at {who}|to {who}|]',
            '<nod> [your|the] head [a few times|again and again|up and down|]',
            '<nod> [in agreement|to agree|to say yes|in approval|to confirm]',
            '<say> yes with [your|the] head',
            '<agree> with {who} by nodding',
            '<move> [your|the] head up and down',
            '<confirm> to {who} with a nod',
            '<give> {who} a [nod|little nod]',
            '<show> {who} that you [agree|understand|follow] with a nod',
        ],
        [
            'approve of the plan silently',
            'signal affirmative using only your head',
            'your chin dips repeatedly: correct, exactly',
            'a listener acknowledges each sentence with his chin',
        ],
    ),
    'shake_head': (
        [
            '<shake> [your|the] head [at {who}|]',
            '<shake> [your|the] head [in disagreement|to say no|in disbelief|in disapproval]',
            '<say> no with [your|the] head',
            '<turn> [your|the] head [from side to side|left and right] to say no',
            '<disagree> with {who} by shaking the head',
            '<move> [your|the] head left and right [in denial|]',
            '<deny> it with a shake of the head',
            '<show> {who} that you [disagree|disapprove] with [your|the] head',
        ],
        [
            'respond in the negative without using your hands',
            'a mother disapproves silently, face swinging sideways',
            'rotate the face this way and that: wrong answer',
            'signal nope using only your head',
        ],
    ),
    'shrug': (
        [
            '<shrug> [at {who}|]',
            '<shrug> [your|the] shoulders [with the palms up|]',
            '<lift> [your|the] shoulders and <turn> the palms up',
            '<show> {who} that you [do not know|have no idea|do not care]',
            '<say> I do not know with [your|the] shoulders',
            '<answer> {who} with a shrug',
            '<raise> [your|both] shoulders [in doubt|in ignorance|]',
            '<signal> that [you have no answer|you are not sure|it does not matter]',
        ],
        [
            'no clue! how should I know?',
            'express ignorance about the missing keys',
            'a clerk is clueless and hitches both shoulders toward the ears',
            'be indifferent to the question, whatever',
        ],
    ),
    'explain': (
        [
            '<explain> something to {who} [with both hands|]',
            '<talk> [to {who}|] with [your|both|lively] hands',
            '<gesture> with both hands while [talking|speaking|explaining]',
            '<give> [a talk|a speech|a lecture|an explanation] to {who}',
            '<tell> {who} [a story|about the plan|how it works] with [your|both] hands',
            '<describe> [the problem|the idea|the plan] to {who} with hand gestures',
            '<beat> time to [your|the] words with both hands',
            '<teach> {who} [the rules|a lesson|something new]',
            '<discuss> [the matter|the plan] with {who}',
            '<underline> [your|the] words with the hands',
        ],
        [
            'a professor elaborates on the theorem, hands busy',
            'narrate yesterday in conversation, hands moving along',
            'make your point clear to the committee while speaking',
            'deliver the keynote address with conversational gesturing',
        ],
    ),
    'count': (
        [
            '<count> [on|with] [your|the] fingers',
            (
                '<count> [off|] [the points|the reasons|the items|one, two, three] on [your|the] '
                'fingers'
            ),
            (
                '<list> [the rules|three reasons|the steps|the options] for {who} on [your|the] '
                'fingers'
            ),
            '<tick> off [the points|the items] on the fingers of one hand',
            '<enumerate> [the arguments|the tasks|the steps] for {who}',
            '<go> through the list on [your|the] fingers',
            '<number> the steps for {who} finger by finger',
            '<name> the points one by one, touching [your|the] fingers',
        ],
        [
            'first, second, third: itemise the agenda using your digits',
            'do arithmetic with your digits',
            'reckon how many are missing, digit after digit',
            'a negotiator runs down the conditions by tapping each digit',
        ],
    ),
    'think': (
        [
            '<think> [about it|hard|about the question of {who}|]',
            '<put> [a|your] hand to [your|the] chin [and <think>|]',
            '<rest> [your|the] chin on [a|one] hand',
            '<ponder> [the question|a problem|what to do]',
            '<consider> [the offer|the answer|what {who} said]',
            '<reflect> with a hand at [your|the] chin',
            '<look> thoughtful',
            '<stroke> [your|the] chin in thought',
            '<wonder> [what to say|what to do next|about the answer]',
            '<try> to remember [something|a name]',
        ],
        [
            'mull over a tricky riddle',
            'contemplate the chess position like a philosopher',
            'be lost in deep contemplation, jaw propped up',
            'a detective deliberates over the clues',
        ],
    ),
    'raise_hand': (
        [
            '<raise> [your|a|one] hand [to ask a question|to speak|to answer|]',
            '<put> [your|a] hand up [to ask {who} something|and <wait>|]',
            '<stretch> one arm straight up [and <keep> it there|]',
            '<hold> [a|one|your] hand up high [without moving|]',
            '<ask> for permission to speak',
            '<volunteer> by raising a hand',
            '<vote> by show of hands',
            '<lift> one arm [high|straight up] above [your|the] head and <keep> it still',
            '<raise> an arm like a [student|pupil] [in class|who knows the answer]',
        ],
        [
            'request the floor like a pupil who knows it',
            'an attendee wants to ask something and keeps an arm up vertically',
            'me, me! volunteer for the task with a vertical arm',
            'cast your ballot in favour at the assembly, arm up',
        ],
    ),
    'stop': (
        [
            '<stop> {who} [with a flat palm|with your hand|]',
            '<hold> [a|your] [flat|open] palm [against|towards] {who}',
            '<signal> {who} to stop',
            '<tell> {who} to [stop|halt|wait|stay back]',
            '<hold> up [a|one] hand to stop {who}',
            '<put> [a|your] palm out to say stop',
            '<block> the way of {who} with [a|your] palm',
            '<halt> {who} [at the gate|at the door|]',
            '<push> [a|your] flat hand forward to say stop',
        ],
        [
            'freeze! do not come any further',
            'bring the traffic to a standstill with an upright palm',
            'an officer bars the entrance, palm facing the intruder',
            'make the oncoming cyclist brake',
        ],
    ),
    'refuse': (
        [
            '<refuse> [the offer of {who}|politely|]',
            '<refuse> {thing} with both hands',
            '<cross> and <part> [your|both] palms [in front of the body|] to say no',
            '<decline> [the offer|an invitation|{thing}] with both palms',
            '<say> no [thank you|way|] to {who} with both hands',
            '<reject> [the idea|the offer|the proposal] with [your|both] hands',
            '<wave> off [the offer|{thing}|the idea] with both palms',
            '<turn> down [the offer|the invitation] of {who}',
            '<ward> off {who} with crossing palms',
            '<tell> {who} no with both palms sweeping [apart|across]',
        ],
        [
            'that is out of the question, no more, two sweeping palms',
            'not for me, keep the second helping away',
            'a diner will not have any dessert and signals it with two hands',
            'forbid it categorically, palms scissoring before you',
        ],
    ),
    'look_around': (
        [
            '<look> around [the room|carefully|]',
            '<look> left and right',
            '<look> to [one side, then to the other|both sides]',
            '<search> [the room|the area] with [your|the] eyes',
            '<check> [the surroundings|both sides|the area] [for {who}|]',
            '<scan> [the room|the crowd|the street] [for {who}|]',
            '<turn> [your|the] head and trunk to look [everywhere|around]',
            '<watch> out for {who} on both sides',
            '<look> for {who} [everywhere|on all sides]',
        ],
        [
            'survey the surroundings for danger',
            'where has everybody gone? inspect the place from end to end',
            'a lost hiker examines the landscape on either side',
            'patrol with your gaze across the hall',
        ],
    ),
    'step_back': (
        [
            '<step> back [from {who}|]',
            '<take> [a few|two|some] steps [back|backwards] [from {who}|]',
            '<walk> backwards [with raised hands|]',
            '<back> away from {who}',
            '<retreat> from {who} [with the hands half raised|]',
            '<move> back [to make room for {who}|to keep a distance]',
            '<keep> [your|a] distance from {who} by stepping back',
            '<make> room for {who}',
            '<withdraw> a few steps',
        ],
        [
            'recoil from the growling dog',
            'give them space by moving rearward',
            'shuffle in reverse, away from the edge',
            'distance yourself from the spilled chemical',
        ],
    ),
    'walk_guide': (
        [
            '<walk> ahead and <guide> {who} [to {goal}|]',
            '<guide> {who} to {goal}',
            '<lead> {who} to {goal}',
            '<walk> forward [showing the way|with one arm showing the way]',
            '<accompany> {who} to {goal}',
            '<show> {who} the way to {goal} by walking ahead',
            '<ask> {who} to follow you to {goal}',
            '<walk> with {who} to {goal}',
            '<escort> {who} to {goal}',
            '<take> {who} to {goal}',
        ],
        [
            'please come along with me, it is just a short stroll',
            'bring the delegation through the corridor on foot',
            'usher the couple to their table',
            'conduct the group onward, striding in front of them',
        ],
    ),
    'dismiss': (
        [
            '<dismiss> {who} with a [sweep|flick] of the hand',
            '<send> {who} away [with the back of the hand|]',
            '<shoo> {who} away',
            '<wave> {who} away',
            '<brush> [{who}|the idea] aside with the back of [your|the] hand',
            '<tell> {who} to go away',
            '<sweep> [your|the] hand outwards to send {who} off',
            '<chase> {who} away with [a|one] hand',
            '<tell> {who} to [get lost|leave|move along]',
        ],
        [
            'scram! drive the pigeons off',
            'a king lets the petitioner know the audience is over',
            'get those pests out of here with backhand flicks',
            'banish the nosy reporter from the doorstep',
        ],
    ),
}
