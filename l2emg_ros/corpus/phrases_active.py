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
"""Captions of the gestures of sport, stage and home; the notation is phrases_social's."""

from __future__ import annotations

PHRASES: dict[str, tuple[list[str], list[str]]] = {
    'clap': (
        [
            '<clap> [your|the|both|] hands',
            '<clap> [for {who}|loudly|]',
            '<applaud> {who}',
            '<applaud> [the performance|the speech|the good result]',
            '<give> {who} a [round of applause|hand]',
            '<clap> [your|the] hands [before the chest|in rhythm|to the music|together]',
            '<congratulate> {who} with applause',
            '<beat> [your|the] palms together',
            '<praise> {who} by clapping',
        ],
        [
            'show your appreciation after the concert like everyone in the seats',
            'bravo! reward the pianist with an ovation',
            'smack palms against each other in rhythm',
            'a spectator joins in the ovation',
        ],
    ),
    'cheer': (
        [
            '<cheer> [for {who}|loudly|]',
            '<throw> both arms up [and <cheer>|in victory|]',
            '<raise> both [arms|fists] [in triumph|in victory|and <celebrate>]',
            '<celebrate> [the victory|the goal|the good news|with {who}]',
            '<jump> for joy with both arms up',
            '<pump> both fists in the air',
            '<rejoice> [with {who}|at the victory|with both arms in the air]',
            '<root> for {who} with both arms in the air',
            '<shout> hooray with both arms up',
        ],
        [
            'your team has just become champion, go wild',
            'hip hip hurrah, two fists skyward',
            'exult at the finish line',
            'a supporter goes mad with delight in the stands after the goal',
        ],
    ),
    'raise_fist': (
        [
            '<raise> [a|one|your] fist',
            '<pump> [a|one|your] fist [in the air|]',
            '<make> a fist and <pump> it beside [your|the] head',
            '<pull> [your|one] fist down and up to say yes',
            '<shake> [a|one|your] fist [at {who}|]',
            '<do> a fist pump [for {who}|]',
            '<encourage> {who} with a raised fist',
            '<lift> one clenched hand [to say we can do it|in the air]',
        ],
        [
            'yes, I did it! one clenched hand goes up',
            'fire up the squad with a single clenched hand',
            'a tennis player punches the sky after winning the point',
            'protest with one balled hand aloft',
        ],
    ),
    'thumbs_up': (
        [
            '<give> [a thumbs up|{who} a thumbs up|the thumbs up]',
            '<show> [your|a raised] thumb [to {who}|]',
            '<put> [your|a] thumb up [for {who}|]',
            '<hold> up [a|one|your] thumb',
            '<signal> [that all is well|okay|good job] to {who} with [your|a] thumb',
            '<tell> {who} [well done|good job] with a raised thumb',
            '<approve> of [the plan|the work of {who}] with a thumb up',
            '<like> it with a thumb',
        ],
        [
            'indicate that everything is OK using the shortest digit',
            'great work! single-handed sign of approval as on social media',
            'a diver on deck reports that he is fine, thumb skyward',
            'rate the meal excellent with one thumb',
        ],
    ),
    'stretch': (
        [
            '<stretch> [your|both] arms over [your|the] head',
            '<stretch> [the whole body|yourself|and <yawn>|after a long sleep]',
            '<stretch> and <lean> [to either side|left and right]',
            '<reach> up with both arms and <bend> to both sides',
            '<warm> up [by stretching|with a side stretch|before the match]',
            '<do> [a stretch|some stretching|a stretching exercise]',
            '<loosen> up [your|the] [back|body] [with raised arms|]',
            '<lengthen> the body with both arms overhead',
        ],
        [
            'limber up before the gymnastics class',
            'just out of bed, make yourself long like a cat',
            'relieve a stiff spine at the office, elongating to either flank',
            'yoga: elongate the flanks, fingers toward the ceiling',
        ],
    ),
    'dance': (
        [
            '<dance> [to the music|with {who}|for {who}|]',
            '<dance> [and <swing> your arms|from foot to foot|on the spot]',
            '<sway> from foot to foot [with swinging arms|to the music]',
            '<move> to the [beat|music|rhythm]',
            '<groove> [to the music|with {who}]',
            '<perform> a dance [for {who}|]',
            '<swing> [your|the] hips and arms [to the rhythm|]',
            '<invite> {who} to dance by dancing',
            '<enjoy> the music and <dance>',
        ],
        [
            'boogie at the disco',
            'let the song take over your body',
            'a girl is rocking her hips at the party',
            'bust some moves when the band plays',
        ],
    ),
    'squat': (
        [
            '<squat> [down|]',
            '<do> [a squat|squats|knee bends] [with the arms out in front|]',
            '<bend> [your|the] knees deeply [with the arms held forward|]',
            '<go> down into a squat and <stand> up again',
            '<train> [your|the] legs with squats',
            '<show> {who} how to do a squat',
            '<exercise> with deep knee bends',
            '<lower> [your|the] hips and <rise> again, arms forward',
        ],
        [
            'leg day workout: hips down, then back up',
            'sink until the thighs are level and come up',
            'a fitness trainer demonstrates a strengthening exercise for the quadriceps',
            'crouch low with the arms ahead and return to standing',
        ],
    ),
    'pick_up': (
        [
            '<pick> up {thing} [from the floor|from the ground|]',
            '<pick> something up [from the floor|]',
            '<bend> down and <pick> up {thing}',
            '<lift> {thing} from the [floor|ground]',
            '<bend> [your|the] knees and <take> {thing} from the floor',
            '<collect> {thing} from the ground',
            '<reach> down to the floor and <lift> {thing}',
            '<get> {thing} off the floor [for {who}|]',
            '<raise> {thing} [off|from] the ground',
        ],
        [
            'retrieve the dropped coin',
            'grab the crate at your feet and come up with it',
            'stoop to gather the fallen toys',
            'tidy away what lies on the carpet',
        ],
    ),
    'drink': (
        [
            '<drink> [something|a cup of tea|a glass of water|coffee]',
            '<take> a [sip|drink] [of water|of tea|from a cup|]',
            '<lift> a [cup|glass] to [your|the] lips [and <drink>|]',
            '<drink> from [a cup|a glass|a bottle]',
            '<empty> a [cup|glass]',
            '<bring> a [cup|glass|bottle] to [your|the] mouth and <tip> the head back',
            '<have> a [cup of tea|glass of juice|coffee] [with {who}|]',
            '<sip> [hot tea|cold water|coffee]',
        ],
        [
            'quench your thirst',
            'gulp down some lemonade on a hot day',
            'swallow the medicine from the beaker',
            'a guest tastes the wine',
        ],
    ),
    'curtsy': (
        [
            '<curtsy> [to {who}|]',
            '<make> a [curtsy|deep curtsy] [before {who}|]',
            '<drop> a curtsy [to {who}|]',
            '<cross> one foot behind the other and <sink> [with open arms|]',
            '<greet> {who} with a curtsy',
            '<thank> {who} with a curtsy [at the end of the ballet|]',
            (
                '<spread> [your|the] arms, <bend> [your|the] knees and <lower> [your|the] head '
                'like a ballerina'
            ),
            '<curtsy> like a [princess|ballerina|dancer]',
        ],
        [
            'pay homage to the queen as a lady in a ball gown would',
            'a ballerina acknowledges the ovation, one leg behind',
            'dip gracefully with skirts held wide at court',
            'the debutante sinks low in front of royalty',
        ],
    ),
    'cover_face': (
        [
            '<cover> [your|the] face [with both hands|]',
            '<hide> [your|the] face in both hands',
            '<bury> [your|the] face in [your|both] hands',
            '<hold> both hands in front of [your|the] face',
            '<cover> [your|the] eyes [with both hands|so as not to see {who}]',
            '<hide> from {who} behind [your|both] hands',
            '<put> [your|both] hands over [your|the] face',
            '<despair> with [your|the] face in [your|both] hands',
        ],
        [
            'do not watch the scary scene, shield your sight with two palms',
            'play peekaboo with the baby',
            'embarrassed to death, you disappear behind your fingers',
            'a goalkeeper cannot believe the miss and conceals his features',
        ],
    ),
    'cross_arms': (
        [
            '<cross> [your|both|the] arms [and <wait>|in front of the chest|]',
            '<fold> [your|both] arms [before the chest|]',
            '<stand> with [crossed|folded] arms',
            '<wait> for {who} with [crossed|folded] arms',
            '<look> at {who} with folded arms',
            '<keep> [your|both] arms folded',
            '<watch> {who} with [your|the] arms crossed',
            '<close> [your|the] arms in front of [your|the] chest and <stand> still',
        ],
        [
            'be defensive, forearms interlocked',
            'adopt a closed posture like a bouncer',
            'linger sceptically with forearms tucked over one another',
            'a boss is unconvinced and tucks both hands under the upper arms',
        ],
    ),
}
