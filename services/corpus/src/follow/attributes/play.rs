//! Attributes: games, sport, music, pets.

use super::Attribute;

pub(super) const ATTRIBUTES: &[Attribute] = &[
    (
        "breed_size|dog_size",
        "what [a:dogs] $is for?|which [a:breeds] $is for?|$is ok for a [a:big dog]?|\
         what [a:breed size] $is?|will that fit a [a:labrador]?|\
         i've a [a:great dane], no chance?|too big for a [a:chihuahua]?|\
         my [a:spaniel] is 14 kg. ok?|will $it do for a [a:maine coon]?|two [a:cats] at once?|\
         what about [a:rabbits]?|neck is 40 cm, $does fit my [a:dog]?",
        "small|large|up to $n kg",
    ),
    (
        "chew_strength|durability|toughness",
        "will my dog [a:destroy] $obj?|how [a:tough] $is?|$is [a:durable]?|how [a:strong] $is?|\
         can $it stand a strong [a:chewer]?|what [a:chew strength] $is?|\
         rex eats everything in five minutes. how [a:strong]?|would $it last with a [a:terrier]?|\
         [a:indestructible]?|$is [a:sturdy]?|$does [a:splinter]?|\
         how long before it [a:falls apart]?|my kids are rough. [a:tough]?|\
         $is built to [a:last]",
        "tough|medium|$d of 10",
    ),
    (
        "pet_age|life_stage",
        "$is for [a:puppies]?|what [a:life stage] $is for?|$is ok for an [a:older cat]?|\
         can [a:kittens] have it?|he's 12 weeks. too [a:young] for it?|[a:senior] or adult?|\
         for an [a:old dog] with bad teeth?|just got a [a:kitten], $is ok?|\
         from what [a:age] can pups have it?",
        "adult|puppy|senior",
    ),
    (
        "squeaker|sound_effects",
        "$does [a:squeak]?|$does have a [a:squeaker]?|$does make [a:sounds]?|\
         what [a:sounds] $does make?|please tell me it doesn't [a:squeak]|\
         makes [a:noise] when you press?|can the [a:sound] be switched off?|\
         $does play [a:music]?|is it one that [a:talks]?",
        "yes|no",
    ),
    (
        "players|player_count",
        "how many [a:players] $is for?|how many people can [a:play]?|can two people [a:play]?|\
         how many can [a:play] at once?|what [a:player count] $is?|\
         there's just the two of us. any fun, how many [a:players]?|can i [a:play] it on my own?|\
         big family at christmas, up to how many [a:players]?|\
         five of us, is that too many [a:players]?|[a:solo]?|is it for two [a:teams]",
        "$d|2 to $d|1 to 4",
    ),
    (
        "playing_time",
        "how long does a [a:game take]?|how long is a [a:round]?|\
         what is the [a:playing time]$of?|how long $does take to [a:play]?|\
         bedtime is at eight. is a [a:game quick]?|\
         all evening or twenty minutes, the [a:playing time]?|one [a:round takes] how long|\
         do you need hours to [a:play] it|[a:duration]?",
        "$n minutes|$d hours",
    ),
    (
        "pieces|contents|in_the_box",
        "how many [a:pieces] $does have?|what's in the [a:box]?|how many [a:parts]?|\
         what is [a:included]?|how many [a:pieces] are in the set?|\
         what else comes in the [a:box]?|if one gets lost, are there spare [a:pieces]?|\
         are the [a:pieces big]?|anything [a:missing] i'd need to buy extra?|\
         500 or 1000 [a:pieces]?|what do i actually get in the [a:box]?|\
         just the one or a [a:set]?|does the [a:lid come] with it|\
         is the picture everything that's [a:included]?",
        "$n pieces|$d parts|$n",
    ),
    (
        "quantity|pack",
        "how many are in a [a:pack]?|how many for one [a:pack]?|how many come in the [a:pack]?|\
         $is a [a:pair]?|are they sold as a [a:set]?|is that price for one or for a [a:pair]?|\
         single or [a:multipack]?|how many to a [a:box]?|do they come in [a:twos]?|\
         how many [a:sheets] on a roll?|[a:pack size]?",
        "$d|pack of $d|$n",
    ),
    (
        "difficulty|level",
        "how [a:hard] $is?|$is good for [a:beginners]?|what [a:level] $is?|$is [a:difficult]?|\
         what's the [a:difficulty]$of?|never done it before. too [a:hard]?|\
         my 8 year old is bright, $is too [a:easy]?|i'm all thumbs. how [a:fiddly] is it?|\
         suit a [a:novice]?|[a:expert] or beginner?|would i need [a:lessons]?|\
         is there a [a:video] that explains it",
        "easy|medium|$d of 10",
    ),
    (
        "strings|string_type",
        "nylon or steel [a:strings]?|are spare [a:strings] in there?|will $it stay in [a:tune]?|\
         $does come [a:tuned]?|hurts my fingers, are the [a:strings soft]?",
        "nylon|steel|$d",
    ),
    (
        "tuning|key_of",
        "what [a:key] $is in|is $it in [a:concert pitch]?|can you [a:tune] it?|\
         alto or [a:soprano]?|[a:octaves]?",
        "C|E flat|440 Hz",
    ),
    (
        "board_size|board",
        "does the [a:board fold]?|fits on a train table, the [a:board]?|\
         how big is the [a:board]?|is the [a:board magnetic]|[a:board size]?",
        "$n x $n cm|folding",
    ),
    (
        "skill|learning|educational",
        "what does a child [a:learn] from it?|$is [a:educational]?|\
         my lad's 4 and struggles with [a:letters], would $it help?|used in [a:schools]?|\
         [a:montessori]?",
        "counting|spelling|motor skills",
    ),
    (
        "scale|scale_ratio",
        "what [a:scale]?|$does go with [a:oo gauge]?|1:24 or 1:18 [a:scale]?|\
         do the doors open, what [a:scale] are we on?|fits [a:lego]?",
        "1:$n|H0",
    ),
    (
        "paint_included|glue",
        "do i need [a:glue]?|are there [a:paints]?|[a:brush] in the kit?|\
         click together or [a:glue]?|does the [a:paint come off hands]?",
        "included|not included|acrylic",
    ),
    (
        "ball_size|flex",
        "size 3 or 5 [a:ball]?|how bendy is it, what [a:flex]?|\
         my daughter is 10, which [a:ball size] is it|[a:flex]?|$does need [a:pumping]?|\
         $does hold its [a:air]?",
        "$d|$n g|stiff",
    ),
    (
        "resistance|resistance_levels",
        "$is hard enough for someone fit, what [a:resistance]?|how many [a:levels]?|\
         light or heavy [a:band]?|[a:resistance]?|\
         physio said start easy, $does have a low [a:resistance]?",
        "$d levels|$n kg|magnetic",
    ),
    (
        "grip_size|grip_length",
        "small hands. what [a:grip]?|[a:grip size]?|does the [a:grip] get sweaty|\
         can i put a new [a:grip] on?|left or right [a:handed]?",
        "$d|L$d|$n mm",
    ),
    (
        "draw_weight|line_weight",
        "how many [a:pounds] $does pull?|what [a:line goes] with it|[a:test curve]?|\
         for carp, what [a:line weight]?|$is too strong for a [a:beginner]?",
        "$n lb|$d",
    ),
    (
        "lead_length|leash",
        "how long is the [a:leash]?|$does pull back by itself, the [a:lead]?|\
         two dogs on one [a:lead]?|strong puller. will the [a:clip hold]?|[a:rope] or flat?",
        "$d m|$n cm",
    ),
    (
        "crate_size|bed_size",
        "fits in a [a:crate]?|my lab likes to stretch, big enough [a:bed]?|\
         can he [a:stand] up in it?|$does go on the back [a:seat]?|what [a:crate] $is for",
        "$n x $n cm|L",
    ),
    (
        "protein|meat_content",
        "how much [a:meat] is in it|[a:grain free]?|is there [a:chicken] in it? he's allergic|\
         [a:protein percentage]|real [a:beef] or flavouring?|\
         my cat has kidney trouble, [a:low protein]?",
        "$n%|60% chicken",
    ),
    (
        "litter_type|clumping",
        "$does [a:clump]?|[a:dusty]?|sticks to [a:paws]?|can i [a:flush] it?|\
         how long does a bag [a:last] with two cats",
        "wood|clay|clumping",
    ),
    (
        "tank_volume|flow_rate",
        "ok for a 60 litre [a:tank]?|salt or fresh [a:water]?|too strong for a [a:betta]?|\
         what [a:flow] has the pump|does the [a:pump rattle]|[a:litres per hour]?",
        "$n l|$n l/h",
    ),
];
