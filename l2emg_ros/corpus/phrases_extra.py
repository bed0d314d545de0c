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
"""Words for the gestures of `gestures_extra`, in the notation of ``phrases_social``."""

from __future__ import annotations

PHRASES: dict[str, tuple[list[str], list[str]]] = {
    'laugh': (
        [
            '<laugh> [out loud|heartily|loudly|] [with {who}|]',
            '<burst> out laughing [in front of {who}|at the joke|]',
            '<lean> back and <laugh> [from the belly|with a hand on the belly|]',
            '<hold> [your|the] belly and <laugh> [with shaking shoulders|]',
            '<roar> with laughter [at the joke|]',
            '<laugh> until [your|the] [shoulders shake|belly shakes|belly hurts]',
            '<laugh> at [a funny story|the joke|the clown|a comedy|a funny picture]',
            '<crack> up [laughing|at the joke|over a funny story]',
            '<throw> [your|the] head back and <laugh>',
            '<double> up with laughter',
            '<shake> with laughter[, one hand on the belly|]',
        ],
        [
            'the comedian is so funny that your stomach aches',
            'guffaw at the punch line, one palm on your tummy',
            'an uncle clutches his sides after the prank',
            'ha ha ha, that was the most hilarious tale ever',
            'chuckle so hard that you fold forward',
        ],
    ),
    'cry': (
        [
            '<cry> [loudly|like a baby|out loud|in front of {who}|]',
            '<sob> [loudly|with shaking shoulders|in front of {who}]',
            '<bow> [your|the] head and <cry>',
            '<wrap> [your|both] arms around yourself and <sob>',
            '<break> down [crying|in tears] [before {who}|]',
            '<burst> into tears [before {who}|]',
            '<hold> yourself with both arms and <cry>',
            '<weep> [with a bowed head|with trembling shoulders|for a long time|over a loss]',
            '<let> the tears [flow|run|fall]',
            '<cry> over [the bad news|a lost toy|a broken heart|the end of the film]',
            '<shed> [many|bitter|] tears [for {who}|over a loss|]',
        ],
        [
            'bawl like a toddler who has lost the teddy',
            'a widow wails by the grave, her back quaking',
            'whimper with a sunken head, clutching your own elbows',
            'blubber like the boy whose ice cream fell down',
            'be moved to tears by the tragedy, your body heaving',
        ],
    ),
    'talk_seated': (
        [
            '<sit> down and <talk> [to {who}|with {who}|with both hands|]',
            '<take> a seat and <talk> [to|with] {who}',
            '<sit> on a [chair|stool] and <chat> with {who}',
            '<talk> [to|with] {who} [while seated|while sitting|sitting down|from a chair]',
            '<have> a [chat|talk|conversation] with {who} [on a chair|while seated|sitting down]',
            '<speak> [to {who}|with both hands|] [from a chair|while sitting|sitting on a stool]',
            '<sit> and <tell> {who} [a story|the news] [with both hands|]',
            '<lower> yourself onto a chair and <talk> [with both hands|to {who}|]',
            '<discuss> [the plan|something|the weather] with {who} while [seated|sitting]',
            '<explain> something to {who} while sitting [down|on a chair]',
            '<give> [an interview|a talk] [on a chair|while seated|sitting down]',
        ],
        [
            'grab a stool and share your holiday adventures with us',
            'a novelist answers the interviewer from the armchair',
            'pull up a chair, then debate the budget',
            'a grandmother narrates a fairy tale from her rocking chair',
            'converse on the sofa, hands following your words',
        ],
    ),
    'turn_left': (
        [
            '<turn> [left|to the left|to your left] [on the spot|]',
            '<turn> [your|the] [body|whole body] [to the left|left]',
            '<rotate> [to the left|left|anticlockwise] [on the spot|with small steps|]',
            '<face> [left|to the left|the left side]',
            '<make> a [left turn|quarter turn to the left|turn to the left] [on the spot|]',
            '<pivot> [left|to the left|on the spot to the left]',
            '<step> around to the left [on the spot|until you face {who}|]',
            '<turn> [left|to the left] to [face|see|look at] {who}',
            '<do> a left turn [with the feet|like a soldier|on the spot]',
            '<move> [your|the] feet and <turn> [left|to the left]',
            '<walk> around on the spot to the left',
        ],
        [
            'swing your entire frame round toward the left-hand wall',
            'swivel counterclockwise by a quarter circle without leaving your place',
            'shuffle your feet until the window on your left lies ahead',
            'a robot spins leftward where it stands',
            'execute the drill command: ninety degrees left',
        ],
    ),
    'turn_right': (
        [
            '<turn> [right|to the right|to your right] [on the spot|]',
            '<turn> [your|the] [body|whole body] [to the right|right]',
            '<rotate> [to the right|right|clockwise] [on the spot|with small steps|]',
            '<face> [right|to the right|the right side]',
            '<make> a [right turn|quarter turn to the right|turn to the right] [on the spot|]',
            '<pivot> [right|to the right|on the spot to the right]',
            '<step> around to the right [on the spot|until you face {who}|]',
            '<turn> [right|to the right] to [face|see|look at] {who}',
            '<do> a right turn [with the feet|like a soldier|on the spot]',
            '<move> [your|the] feet and <turn> [right|to the right]',
            '<walk> around on the spot to the right',
        ],
        [
            'swing your whole frame round toward the right-hand door',
            'swivel clockwise by ninety degrees, staying in place',
            'shuffle round rightward until your chest meets the shelf',
            'a sentry spins a quarter circle to his right',
            'reorient yourself, feet included, toward the right',
        ],
    ),
    'step_forward': (
        [
            '<step> forward [once|and <stand> still|]',
            '<take> [a step|one step|two steps|a small step] forward [and <stand>|]',
            '<step> [up to|towards|closer to] {who}',
            '<move> forward [by a step|one step|two steps]',
            '<go> [one step|two steps|a step] [forward|ahead]',
            '<come> forward [by one step|to {who}|]',
            '<walk> [two steps ahead|one step forward|forward a little] and <stand>',
            '<advance> [one step|two steps|a little] [towards {who}|]',
            '<approach> {who} by [a step|one step|two steps]',
            '<put> one foot forward and <bring> the other [up|beside it]',
            '<step> [out of the line|out of the row|to the front|up to the line]',
        ],
        [
            'get a little nearer to the counter on foot',
            'a volunteer emerges from the line-up with a single stride',
            'close the gap in the queue by a pace',
            'proceed two paces straight ahead, then remain there',
            'edge up to the microphone with a stride or two',
        ],
    ),
    'facepalm': (
        [
            '<slap> [your|a|the] [palm|hand] [to|against] [your|the] forehead',
            '<facepalm> [at a silly mistake|over such nonsense|]',
            '<do> a facepalm [at the silly question|in front of {who}|]',
            '<clap> [a|your|one] hand to [your|the] [forehead|brow] [over a silly mistake|]',
            '<put> [a|your|the] palm to [your|the] forehead over [a silly mistake|such nonsense]',
            '<hit> [your|the] forehead with [your|the] palm',
            '<smack> [your|the] own forehead [with one hand|]',
            '<strike> [your|the] forehead with an open hand',
            '<react> to [a silly mistake|such nonsense|a stupid question] with a facepalm',
            '<realise> a [silly|stupid] mistake and <slap> [your|the] forehead',
        ],
        [
            'oh no, how stupid of me, palm meets brow',
            'whack your own brow over the forgotten keys',
            'how dumb: let the flat hand land on your forehead',
            'a clerk bangs his palm above the eyes after a blunder',
            'thump your brow because the answer was so obvious',
        ],
    ),
    'scratch_head': (
        [
            '<scratch> [your|the] head [over the question|with one hand|]',
            '<scratch> the back of [your|the] head [with one hand|]',
            '<rub> the back of [your|the] head [over a riddle|]',
            '<puzzle> over [a riddle|a problem|the question] and <scratch> [your|the] head',
            '<be> puzzled and <scratch> [your|the] head',
            '<wonder> [what to do|how it works] with a hand at the back of [your|the] head',
            '<look> puzzled and <scratch> [your|the] [head|scalp]',
            '<show> {who} that you are [puzzled|at a loss] by scratching [your|the] head',
            '<reach> behind [your|the] head and <scratch> [it|]',
            '<put> a hand to the back of [your|the] head and <scratch>',
        ],
        [
            'claw lightly at the hair above your nape',
            'a hiker baffled by the map fumbles in his hair',
            'your scalp itches, do something about it',
            'dig your nails into the hair over this strange manual',
            'the crossword has you stumped, fingers go up behind the skull',
        ],
    ),
    'check_watch': (
        [
            '<check> [your|the] [watch|wrist watch|wristwatch]',
            '<look> at [your|the] [watch|wrist watch|wrist] [while waiting for {who}|]',
            '<check> the time [on your wrist|on the watch|]',
            '<glance> at [your|the] watch [in front of {who}|]',
            '<lift> [your|the] forearm and <look> at [your|the] watch',
            '<raise> [your|the] wrist to [see|read|check] the time',
            '<see> what time it is [on your watch|]',
            '<read> the time [from|on] [your|the] wrist',
            '<bring> [your|the] [watch|wrist] before [your|the] eyes',
            '<wait> for {who} and <check> [your|the] watch',
            '<show> {who} that it is late with a look at the watch',
        ],
        [
            'is it noon yet? the answer is on your arm',
            'a commuter peeks at the dial below his sleeve',
            'pull back the cuff and study the dial',
            'verify the hour, for the train seems overdue',
            'a boss eyes his Rolex as the meeting drags on',
        ],
    ),
    'thumbs_down': (
        [
            '<give> [{who}|the idea|the plan|] a thumbs down',
            '<show> {who} a [thumb pointing down|thumbs down]',
            '<point> [your|the|a] thumb [down|downwards|at the floor]',
            '<turn> [your|the|a] thumb [down|downwards]',
            '<reject> [{thing}|the idea|the plan] with [a thumbs down|the thumb down]',
            '<disapprove> of [the plan|the idea|{thing}] with the thumb down',
            '<rate> [the film|the meal|the show] with a thumbs down',
            '<vote> against [the idea|the plan] with [a lowered thumb|the thumb down]',
            '<signal> [dislike|that it is bad] to {who} with the thumb down',
            '<hold> a fist before [your|the] chest with the thumb [down|to the floor]',
        ],
        [
            'condemn the gladiator like a Roman emperor',
            'let us know by your thumb that the film was rubbish',
            'a critic finds the soup terrible, thumb aimed at the carpet',
            'express that the proposal is poor, thumb toward the ground',
            'the opposite of a like for this video, please',
        ],
    ),
    'high_five': (
        [
            '<give> {who} a high five',
            '<slap> hands with {who} [in the air|high in the air]',
            '<raise> [an open|a|your] hand for a high five [with {who}|]',
            '<slap> [your|an open|a raised] hand against the hand of {who}',
            '<clap> [your|a] raised hand against the palm of {who}',
            '<exchange> a high five with {who}',
            '<celebrate> with {who} with a high five',
            '<offer> {who} a high five',
            '<hit> the [raised|open] palm of {who} with [your|a] palm',
            '<do> a [high five|high five in the air] [with {who}|]',
        ],
        [
            'gimme five, partner, right up here',
            'smack palms overhead with your teammate after the goal',
            'up top, buddy, meet my palm in mid-air',
            'two pals let their lifted palms collide',
            'the striker and the goalie whack palms after the save',
        ],
    ),
}
