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
"""More words for the gestures of `gestures_extra`, in the notation of ``phrases_social``."""

from __future__ import annotations

PHRASES: dict[str, tuple[list[str], list[str]]] = {
    'silence': (
        [
            '<put> [a|one|your] finger [to|on|before] [your|the] lips',
            '<hold> [a|one|an index] finger to [your|the] lips [to silence {who}|]',
            '<hush> {who} with a finger [on|to] the lips',
            '<ask> {who} [to be quiet|to be silent|for silence] with a finger on the lips',
            '<press> [a|one|your] finger to [your|the] [mouth|lips]',
            '<tell> {who} to keep [quiet|the secret|silent] with a finger on the lips',
            '<shush> {who} [with a finger|]',
            '<lay> a finger [on|across] [your|the] lips [and <say> shh|]',
            '<signal> [silence|quiet] to {who} with a finger before the mouth',
            '<silence> {who} with [one|a] finger',
            '<bring> an index finger to [your|the] lips',
        ],
        [
            'not a word: forefinger upright at the mouth',
            'pst, the baby is asleep, forefinger over the mouth',
            'a librarian makes the readers fall quiet using one fingertip',
            'go shh because the film has started',
            'remind her of your secret, forefinger sealing the mouth',
        ],
    ),
    'hands_on_hips': (
        [
            '<put> [your|both|the] hands on [your|the] hips',
            '<place> [your|both|the] hands on [your|the] hips [and <stand> there|]',
            '<plant> [your|both] hands on [your|the] hips [before {who}|]',
            '<stand> with [your|the|both] hands on [your|the] hips [before {who}|]',
            '<rest> [your|both|the] hands on [your|the] hips',
            '<stand> [before {who}|there|] with arms akimbo',
            '<pose> with both hands on [your|the] hips [like a superhero|]',
            '<face> {who} with [both|your] hands on [your|the] hips',
            '<bring> both hands to [your|the] hips and <stand> there',
            '<wait> for {who} with [both|your] hands on [your|the] hips',
            '<press> [your|both] hands [to|against] [your|the] [waist|hips]',
        ],
        [
            'take on the classic Superman look, fists at the waist',
            'elbows out, palms at your belt, remain like that',
            'imitate a sugar bowl with two handles',
            'a sheriff grips his belt on both sides, elbows wide',
            'form two triangles with your arms, fists against the pelvis',
        ],
    ),
    'knock': (
        [
            '<knock> [on|at] the door [of {who}|]',
            '<knock> [twice|three times|loudly|] [on the door|at the door|on the wood]',
            '<tap> [on|at] the door with [your|the] knuckles',
            '<pound> on the [door|wood] with [your|the] knuckles',
            '<raise> [a|your] fist and <knock> [on a door|on the door|]',
            '<knock> to [be let in|come in|see {who}|wake {who}]',
            '<pretend> to knock on a door',
            '<hit> the door with [your|the] knuckles [a few times|]',
            '<ask> to come in by knocking on the door',
            '<announce> yourself to {who} with a knock on the door',
        ],
        [
            'the bell is broken, so use your knuckles',
            'bang at the gate until somebody opens',
            'a courier hammers at the entrance for an answer',
            'let the neighbours hear your fist on their door',
            'beat on the wooden panel ahead before you enter',
        ],
    ),
    'toast': (
        [
            '<raise> [a|your|the] glass [to {who}|]',
            '<toast> {who} [with a glass|]',
            '<propose> a toast [to {who}|to the future|to the couple]',
            '<lift> [a|your] glass [in honour of {who}|to the health of {who}|high|]',
            '<say> cheers to {who} [with a raised glass|]',
            '<hold> [up|out] [a|your] glass [to {who}|]',
            '<clink> glasses with {who}',
            '<honour> {who} with a raised glass',
            '<wish> {who} [luck|good health|all the best] with a raised glass',
            '<extend> [a|your] glass towards {who}',
            '<celebrate> [the birthday|the wedding|the new year] with a toast',
        ],
        [
            'here is to the newlyweds, up with the bubbly',
            'elevate your champagne flute for the bride',
            'a best man thrusts his goblet toward the couple',
            'prosit, the beer mug goes out at full reach',
            'dedicate this wine to the retiring colleague, glass aloft',
        ],
    ),
    'flex_muscles': (
        [
            '<flex> [your|the] [muscles|biceps|arms] [for {who}|before {who}|]',
            '<show> off [your|the] [biceps|muscles|strong arms] [to {who}|]',
            '<bend> both arms and <flex> [your|the] [biceps|muscles]',
            '<pose> like a [bodybuilder|strongman|weightlifter] [for {who}|]',
            '<raise> both bent arms and <tense> the biceps',
            '<display> [your|the] biceps [to {who}|]',
            '<impress> {who} with [your|the] [biceps|muscles]',
            '<demonstrate> [your|the] strength [to {who}|] with both arms bent',
            '<tense> [your|the] [muscles|biceps] [before {who}|]',
            '<strike> a bodybuilder pose [for {who}|]',
        ],
        [
            'who is the strongest here? prove it by your upper arms',
            'a wrestler exhibits two bulging upper arms',
            'imitate Popeye after a can of spinach',
            'crook both elbows and make the upper arms swell',
            'act like Mister Universe in the final',
        ],
    ),
    'conduct': (
        [
            '<conduct> [an orchestra|the orchestra|the choir|a symphony] [with both hands|]',
            '<lead> [the|an] [orchestra|ensemble] [with both hands|with a baton|]',
            '<beat> time for the [orchestra|choir|band] with both hands',
            '<direct> the [orchestra|musicians|choir] [with both hands|]',
            '<wave> [a baton|an imaginary baton] [before the orchestra|]',
            '<swing> a baton before the [orchestra|choir]',
            '<move> both [hands|arms] like a conductor',
            '<play> the conductor of [an orchestra|a choir]',
            '<guide> the musicians through the [symphony|waltz|overture] with both hands',
            '<pretend> to conduct [an orchestra|a band|a choir]',
            '<keep> time for the [choir|band|orchestra] with a baton',
        ],
        [
            'cue the violins like Karajan at the rostrum',
            'a maestro shapes the symphony with sweeping hands',
            'give the singers their tempo and entries with two hands',
            'imagine an invisible philharmonic obeying your hands',
            'run the brass band rehearsal from the podium',
        ],
    ),
    'point_up': (
        [
            '<point> [up|upwards|straight up|to the sky|at the ceiling|to the stars]',
            '<point> [a|one|your index] finger [at the ceiling|at the sky|upwards]',
            '<raise> an index finger [towards the sky|to the ceiling]',
            '<show> {who} [the moon|the stars|the plane in the sky|the lamp above] with a finger',
            '<indicate> the [ceiling|sky|floor above] with a finger',
            '<point> out the [moon|balloon|bird in the sky] to {who}',
            '<stretch> a finger [towards|up to] the [sky|ceiling]',
            '<draw> attention to the [ceiling|sky] with a finger',
            '<point> above [your|the] head',
            '<aim> a finger [at the ceiling|straight up|at the sky]',
        ],
        [
            'look, a plane above us, let them see where',
            'a boy spots a kite overhead, his index finger follows it',
            'where does the roof leak? single out the place',
            'a preacher invokes heaven using one index finger',
            'the flat is upstairs, make that clear by one finger',
        ],
    ),
    'point_self': (
        [
            '<point> [at|to] yourself [with a thumb|with a finger|]',
            '<point> [a|your] [finger|thumb] at [your|the] own chest',
            '<tap> [your|the] own chest with [a|one] finger',
            '<indicate> yourself [with a finger|with a thumb|to {who}]',
            '<ask> {who} whether you are meant with a finger at the chest',
            '<say> [me|that is me|I am the one] with a finger at [your|the] chest',
            '<introduce> yourself to {who} by pointing at [your|the] chest',
            '<show> {who} that you mean yourself [with a finger|]',
            '<turn> [a|your] thumb [to|towards] yourself',
            '<direct> [a|your] finger at yourself',
            '<gesture> to yourself [with a thumb|with one hand|]',
        ],
        [
            'who, me? jab a fingertip at your breastbone',
            'claim the credit, thumb toward your own torso',
            'a suspect wonders if the officer means him, finger on sternum',
            'identify the culprit as you, index finger inwards',
            'me Tarzan: prod your breast with one fingertip',
        ],
    ),
    'plead': (
        [
            '<plead> with {who} [with clasped hands|for help|for mercy|to stay|]',
            '<beg> {who} [for help|for mercy|to stay|to say yes] [with clasped hands|]',
            '<clasp> [your|both] hands [before the chest|] and <beg> [{who}|]',
            '<implore> {who} [to help|to stay|with clasped hands]',
            '<shake> [your|both] clasped hands [before {who}|before the chest]',
            '<ask> {who} for [a favour|help|one more chance] with clasped hands',
            '<entreat> {who} to [stay|help|listen]',
            '<appeal> to {who} for [help|mercy] with clasped hands',
            '<say> please please to {who} with clasped hands',
            '<clasp> [your|both] hands and <plead> [with {who}|for mercy|]',
        ],
        [
            'oh pretty please, let me go, fingers interlocked',
            'beseech the judge for a milder sentence',
            'a boy wants that puppy so much, fingers interlocked and pumping',
            'petition the king to spare the prisoner, fingers interlaced',
            'talk your boss into a day off, both fists locked together',
        ],
    ),
    'throw': (
        [
            '<throw> [a|the] ball [to {who}|overhand|far away|]',
            '<throw> [a|the] [stone|snowball|paper plane|frisbee] [overhand|far|]',
            '<hurl> [a|the] [ball|stone] [into the distance|over the fence]',
            '<toss> [a|the] ball to {who} [overhand|]',
            '<pitch> a [baseball|ball] [to {who}|]',
            '<swing> [an|your] arm back and <throw> [a ball|the ball]',
            '<fling> a stone into the [lake|sea|river]',
            '<play> catch with {who} and <throw> the ball',
            '<make> [a long|a hard|an overhand] throw [to {who}|]',
            '<aim> and <throw> [a ball|the ball] [at the target|at the basket|]',
            '<pass> the ball to {who} with an overhand throw',
        ],
        [
            'chuck a snowball at the chimney',
            'a quarterback launches the football downfield with one arm',
            'let the javelin fly as far as possible',
            'lob the tennis ball across the net with your arm',
            'get the stick over the meadow for the dog to fetch',
        ],
    ),
    'yawn': (
        [
            '<yawn> [widely|loudly|with a hand before the mouth|]',
            '<cover> [your|the] mouth and <yawn>',
            '<yawn> behind [a|your|one] hand',
            '<hold> [a|one] hand before [your|the] mouth and <yawn>',
            '<yawn> and <stretch> [one arm|an arm|the other arm]',
            '<give> a [big|long|wide|] yawn [in front of {who}|]',
            '<let> out a [big|long|loud] yawn',
            '<stifle> a yawn [behind a hand|in front of {who}|]',
            '<open> [your|the] mouth wide in a yawn',
            '<yawn> [in front of {who}|during the speech|after getting up|before going to bed]',
            '<hide> a yawn from {who} behind [a|your] hand',
        ],
        [
            'gape like a hippo, one fist at the lips',
            'your jaw drops wide at bedtime, palm over the lips',
            'the lecture is dull, prove it by a gaping mouth',
            'a baby gapes in the crib before the nap',
            'suck in air with a wide gape, time for bed',
        ],
    ),
}
