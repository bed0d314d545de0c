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
"""Captions of the gestures of greeting, care and feeling.

``[a|b]`` chooses one, ``<verb>`` is put into the form of the sentence, ``{who}``, ``{thing}`` and
``{goal}`` are filled by the scenario. Held-out sentences serve evaluation only.
"""

from __future__ import annotations

PHRASES: dict[str, tuple[list[str], list[str]]] = {
    'wave': (
        [
            '<wave> [to|at] {who}',
            '<wave> [hello|hi|goodbye] [to {who}|]',
            (
                '<raise> [one|a|your right] hand [beside your head |]and <wave> [it|] '
                '[at {who}|from side to side|]'
            ),
            '<greet> {who} with a [wave|wave of the hand|friendly wave]',
            (
                '<say> [hello|hi|goodbye|good morning|see you soon] to {who} [from a distance|] '
                'with [your|a raised] hand'
            ),
            '<give> {who} a [little|small|big|quick|] wave',
            (
                '<lift> [an|your] arm and <swing> the [hand|forearm] '
                '[left and right|back and forth|from side to side]'
            ),
            '<wave> to [attract the attention of|greet|welcome|say goodbye to|recognise] {who}',
            '<wave> [when|as] {who} [comes in|arrives|leaves|walks by|appears at the door]',
            '<signal> [a greeting|goodbye] to {who} with one hand',
            '<shake> [a|your] raised hand [in greeting|to say hello|to say bye]',
        ],
        [
            'bid farewell to a departing colleague by moving a lifted palm to and fro',
            'greet someone you spot across the street',
            'let the newcomer know you have seen them with one friendly hand in the air',
            'say bye-bye to the little girl at the window',
            'a man lifts his palm and rocks it sideways as a hello',
        ],
    ),
    'wave_both': (
        [
            (
                '<wave> [both hands|both arms|with both arms|two hands] '
                '[over your head|above your head|in the air|] [at {who}|]'
            ),
            (
                '<raise> both arms and <wave> [them|] '
                '[wildly|high above the head|from side to side|] [at {who}|]'
            ),
            '<swing> both [raised arms|hands] over the head [to be seen by {who}|]',
            '<wave> with [both arms|two arms] so that {who} [sees|notices|finds] you',
            '<signal> to {who} with both arms [up|over the head|from far away]',
            '<attract> attention by waving both [arms|hands]',
            '<greet> {who} from [far away|a great distance] with both arms',
            '<flag> down {who} with both arms',
        ],
        [
            'signal a far-off rescue helicopter with two arms overhead',
            'make yourself seen in the crowd by swaying two lifted arms',
            'a person crosses and opens two arms high above the head like a distress call',
            'get noticed from the other end of the field using two hands overhead',
        ],
    ),
    'bow': (
        [
            '<bow> [to|before] {who}',
            '<bow> [politely|deeply|formally|] [with the arms at your sides|from the waist|]',
            '<take> a [deep|formal|small|polite] bow [in front of {who}|]',
            (
                '<bend> [the upper body|from the waist|forward at the hips] '
                '[to show respect|in respect|] [to {who}|]'
            ),
            '<greet> {who} with a [bow|formal bow|deep bow]',
            '<thank> {who} with a [bow|deep bow]',
            '<lower> [your|the] upper body [in a respectful greeting|before {who}]',
            '<bow> at the end of [the performance|the show|the speech]',
            '<incline> [your|the] trunk [to honour {who}|with respect]',
        ],
        [
            'show deep respect by folding the torso forward',
            'greet a dignitary in the traditional Japanese manner',
            'acknowledge the honour by leaning down from the hips with straight back',
            'a performer accepts the applause by bending low at the waist',
        ],
    ),
    'salute': (
        [
            '<salute> {who}',
            '<give> [a|a crisp|a military] salute [to {who}|]',
            (
                '<bring> the [flat|right] hand to the [brow|forehead|temple] '
                '[in a salute|like a soldier]'
            ),
            '<raise> a flat hand to [your|the] forehead [to salute|in salute] [{who}|]',
            '<greet> {who} [like a soldier|with a salute|in military style]',
            '<stand> at attention and <salute>',
            '<salute> [the flag|the captain|the officer]',
            '<touch> [your|the] brow with the edge of [your|the] hand [for {who}|]',
        ],
        [
            'pay military honours to the general',
            'report for duty like a cadet, fingers at the temple',
            'a guard acknowledges the commander with fingertips at the eyebrow',
            'show the colonel the greeting of the armed forces',
        ],
    ),
    'handshake': (
        [
            '<shake> hands with {who}',
            '<offer> [your|a] hand to {who} for a handshake',
            '<hold> out [your|the] right hand [and <shake>|to shake the hand of {who}]',
            '<greet> {who} with a [firm|warm|polite|] handshake',
            '<give> {who} a [firm|friendly|] handshake',
            '<extend> [your|the] hand at waist height and <move> it up and down',
            '<seal> the [deal|agreement] with {who} by shaking hands',
            '<reach> out and <shake> the hand of {who}',
            '<congratulate> {who} with a handshake',
        ],
        [
            'clasp the palm of your new business partner and pump it',
            'close the contract the classic way, grip to grip',
            'introduce yourself to the director with an outstretched right hand and a grip',
            'a man takes the hand of the winner and moves it up and down',
        ],
    ),
    'hug': (
        [
            '<hug> {who}',
            '<give> {who} a [hug|big hug|warm hug|tight hug]',
            '<open> [your|the] arms and <hug> {who}',
            '<embrace> {who} [tightly|warmly|]',
            '<wrap> [your|both] arms around {who}',
            '<spread> [your|both] arms, then <close> them around {who}',
            '<take> {who} in [your|] arms',
            '<hold> {who} close [to your chest|in your arms]',
            '<pull> {who} into [a hug|an embrace]',
        ],
        [
            'cuddle your grandchild after a long separation',
            'enclose a loved one with both arms and squeeze',
            'a mother clasps her son to her chest',
            'share a warm cuddle at the airport',
        ],
    ),
    'welcome': (
        [
            '<welcome> {who} [with open arms|with both arms|]',
            '<open> both arms [with the palms up|wide|] to welcome {who}',
            '<spread> [your|the] arms [in welcome|to receive {who}]',
            '<invite> {who} in with open [arms|palms]',
            '<receive> {who} with open arms',
            '<show> {who} that they are welcome',
            '<greet> {who} by opening both [arms|hands]',
            '<offer> a [warm|friendly|] welcome to {who}',
            '<make> {who} feel [at home|welcome] with open hands',
        ],
        [
            'tell the arriving guests that this place is theirs',
            'a host parts two upturned palms as the party comes through the door',
            'extend hospitality to the newcomers with parted arms',
            'let everyone know they are gladly received here',
        ],
    ),
    'beckon': (
        [
            '<beckon> [to|] {who}',
            '<beckon> {who} [over|closer|to come here]',
            '<ask> {who} to come [closer|over here|nearer] with [your|a] hand',
            '<call> {who} over with [a|one] hand',
            '<pull> [your|the] hand towards [your|the] body to say come here',
            '<gesture> for {who} to [come closer|come over|follow|approach]',
            '<wave> {who} closer [with the fingers|]',
            '<signal> to {who} to come [here|nearer]',
            '<invite> {who} to come nearer with [a|one] hand',
            '<curl> [your|the] hand towards [yourself|you] again and again',
        ],
        [
            'get the hesitant kid to approach you',
            'summon the waiter to your table',
            'draw somebody in with scooping fingers',
            'a woman motions for her dog to come to her',
        ],
    ),
    'comfort': (
        [
            '<comfort> {who}',
            (
                '<comfort> {who} '
                '[who has lost someone|who is in pain|who got bad news|who feels lonely]'
            ),
            '<console> {who} [after a loss|who looks sad|who is in tears|]',
            '<soothe> {who} [who is upset|gently|]',
            '<lean> in and <stroke> the arm of {who}',
            '<stroke> the [arm|hand] of {who} softly, one hand on your heart',
            '<show> [sympathy|compassion|you care] to {who} [with a soft touch|]',
            '<be> there for {who} [in a hard moment|in grief|]',
            '<reassure> {who} [with a gentle hand|who is worried|]',
            '<offer> [consolation|comfort|solace] to {who}',
            '<express> sympathy with a tilted head and a gentle hand',
        ],
        [
            'ease the grief of a widow',
            'tell the sobbing boy that everything will be all right',
            'care tenderly for a friend whose pet has died',
            'a nurse bends toward a weeping relative and caresses her sleeve',
        ],
    ),
    'pat': (
        [
            '<pat> {who} on the [shoulder|back]',
            '<pat> the shoulder of {who}',
            '<give> {who} a [pat|friendly pat|few pats] on the [back|shoulder]',
            '<tap> {who} on the shoulder [a few times|]',
            '<clap> {who} on the [back|shoulder]',
            '<reach> out and <pat> [the shoulder in front of you|{who}]',
            '<encourage> {who} with a pat on the [shoulder|back]',
            '<put> a hand on the shoulder of {who} and <pat> it',
            '<praise> {who} with a pat',
        ],
        [
            'thump your buddy between the shoulder blades a few times',
            'a coach slaps the rookie on the upper arm, well done',
            'touch the colleague in front of you repeatedly on the deltoid',
            'let your palm fall on his shoulder several times as praise',
        ],
    ),
    'hand_on_heart': (
        [
            '<put> [a|your|one] hand on [your|the] heart',
            '<lay> [a|the right|one] hand on [your|the] chest [and <bow> the head slightly|]',
            '<place> [a|one] hand over [your|the] heart [to thank {who}|]',
            '<thank> {who} from the [bottom of the heart|heart]',
            '<show> [gratitude|sincerity|that you mean it] with a hand on the chest',
            '<swear> with [a|your] hand on [your|the] heart',
            '<express> [heartfelt thanks|gratitude|how touched you are] to {who}',
            '<touch> [your|the] chest [with gratitude|sincerely|to say thank you]',
            '<press> a palm to [your|the] chest',
        ],
        [
            'let them know you are deeply moved, palm against the breast',
            'be sincere and pledge allegiance during the anthem',
            'a person gives thanks with fingers resting over the sternum',
            'promise it honestly, palm over where the pulse beats',
        ],
    ),
    'wipe_tears': (
        [
            '<wipe> [your|the] [tears|eyes] [away|with the back of the hand|]',
            '<wipe> away [a tear|the tears]',
            '<dry> [your|the] [eyes|tears] [with a hand|]',
            '<cry> and <wipe> [your|the] eyes',
            '<weep> and <dry> [your|the] cheeks',
            '<rub> [your|the] wet eyes with [a|one] hand',
            '<brush> a tear from [your|the] cheek',
            '<sob> and <wipe> [your|the] face',
            '<bring> the back of [your|a] hand to [your|the] eyes to wipe them',
        ],
        [
            'a woman weeping at the sad film dabs under her lashes',
            'remove the moisture from your lids with your knuckles',
            'get rid of the drops running down your face',
            'dab a damp eye after the farewell',
        ],
    ),
    'calm_down': (
        [
            '<calm> {who} down [with both palms|]',
            '<press> both palms [slowly|] downwards [to calm {who}|]',
            '<tell> {who} to calm down [with both hands|]',
            (
                '<ask> {who} to [slow down|lower the voice|be quiet|settle down|relax] with both '
                'hands'
            ),
            '<lower> [your|both] open hands [again and again|slowly|] to quieten {who}',
            '<gesture> for [calm|quiet|silence|patience]',
            '<push> both flat hands down to say [easy|take it easy|quiet please|relax]',
            '<quieten> {who} with both hands',
            '<defuse> the argument with [your|both] palms facing the floor',
        ],
        [
            'get the rowdy bunch to quiet down',
            'take the heat out of the quarrel with flat lowering hands',
            'slow, slow: make everyone breathe and sit',
            'a teacher hushes the noisy room by pushing the air toward the floor',
        ],
    ),
    'listen': (
        [
            '<listen> [closely|carefully|attentively|] to {who}',
            '<cup> [a|your|one] hand [behind|to|at] [your|the] ear',
            '<put> [a|one] hand behind [your|the] ear [to hear {who} better|]',
            '<lean> towards {who} and <listen>',
            '<ask> {who} to speak louder with a hand at [your|the] ear',
            '<try> to hear [what {who} says|a faint sound|the music]',
            '<show> that you cannot hear {who}',
            '<hold> [a|your] hand to [your|the] ear and <lean> in',
            '<eavesdrop> on {who}',
        ],
        [
            'signal that the speaker is too quiet for you',
            'catch the whisper coming from the next room',
            'a grandfather strains to understand the mumbling boy, fingers round his earlobe',
            'tune in to the distant birdsong',
        ],
    ),
    'apologise': (
        [
            '<apologise> to {who}',
            '<say> sorry to {who} [with folded hands|with the palms together|]',
            '<put> [your|the] palms together and <bow> [in apology|to apologise|to say sorry]',
            '<ask> {who} for forgiveness',
            '<beg> {who} for pardon with [folded hands|palms pressed together]',
            '<fold> [your|the] hands before [your|the] chest and <bow>',
            '<express> regret to {who} with hands pressed together',
            '<apologise> for [the mistake|being late|the delay|the mess]',
            '<plead> with {who}, palms together',
        ],
        [
            'show remorse for having broken the vase',
            'implore them to pardon your error',
            'a clerk admits the fault, hands joined as in prayer, head low',
            'make amends with the angry customer, fingers pressed like a prayer',
        ],
    ),
    'blow_kiss': (
        [
            '<blow> [a kiss|kisses] [to {who}|]',
            '<send> [a kiss|kisses] to {who}',
            '<throw> a kiss to {who}',
            '<touch> [your|the] lips and <blow> a kiss [to {who}|]',
            '<kiss> [your|the] fingertips and <send> the kiss [to {who}|through the air]',
            '<give> {who} an air kiss',
            '<bring> [your|the] fingers to [your|the] lips and <open> the hand towards {who}',
            '<say> I love you to {who} with a blown kiss',
        ],
        [
            'let a smooch fly from your mouth toward your sweetheart',
            'peck your fingers and release affection into the air',
            'an actress flings a smooch at the balcony',
            'your darling leaves on the train: send some love from your mouth',
        ],
    ),
}
